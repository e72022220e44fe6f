#include "core/topology.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace fasterapi::core {
namespace {

// A directory as the kernel's, with the nodes that a test describes.
class simulated_nodes : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "nodes." + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void add(const std::string& name, const std::string& cpus) const {
    std::filesystem::create_directories(root_ + "/" + name);
    std::ofstream(root_ + "/" + name + "/cpulist") << cpus << "\n";
  }

  std::string root_;
};

using Topology = simulated_nodes;

TEST_F(Topology, HasTheNodesInTheirOrderWithTheAllowedCpus) {
  add("node10", "8-9");
  add("node2", "4-7");
  add("node0", "0-3");
  add("node_of_no_number", "1");
  add("power", "1");
  const topology machine = topology::read({0, 1, 4, 9}, root_);
  EXPECT_EQ(machine.nodes, (std::vector<std::vector<int>>{{0, 1}, {4}, {9}}));
  EXPECT_EQ(machine.node_of(1), 0);
  EXPECT_EQ(machine.node_of(4), 1);
  EXPECT_EQ(machine.node_of(9), 2);
}

TEST_F(Topology, LeavesNodesWithoutAllowedCpusOut) {
  add("node0", "0-3");
  add("node1", "4-7");
  EXPECT_EQ(topology::read({5, 6}, root_).nodes, (std::vector<std::vector<int>>{{5, 6}}));
}

TEST_F(Topology, IsOneNodeWhereTheKernelTellsNothing) {
  EXPECT_EQ(topology::read({0, 1}, root_ + "/nothing").nodes, (std::vector<std::vector<int>>{{0, 1}}));
}

TEST(CpuList, IsReadAsTheKernelWritesIt) {
  EXPECT_EQ(parse_cpu_list("0-3,8"), (std::vector<int>{0, 1, 2, 3, 8}));
  EXPECT_EQ(parse_cpu_list("5"), (std::vector<int>{5}));
  EXPECT_EQ(parse_cpu_list(""), std::vector<int>());
  EXPECT_EQ(parse_cpu_list("x,2,3-"), (std::vector<int>{2}));
}

}  // namespace
}  // namespace fasterapi::core
