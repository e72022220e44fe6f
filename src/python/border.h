#pragma once

#include <Python.h>

#include <atomic>
#include <cstdint>

#include "fasterapi/python/ref.h"
#include "python/gil_mutex.h"
#include "python/parcel.h"

namespace fasterapi::python {

// Buffers of one interpreter's objects that others have let go of, until that interpreter gives them back.
//
// put() is called by any thread; the rest by threads attached to the interpreter.
class lent_buffers {
 public:
  // A view of an exporter's memory that another interpreter may use. Made attached; let go of anywhere.
  class loan final : public shared_block {
   public:
    // Takes over `view`, which is C-contiguous, and a reference to `home`.
    loan(const Py_buffer& view, block_layout layout, lent_buffers& home) noexcept;

   private:
    friend class lent_buffers;
    void dispose() noexcept override { home_.put(*this); }

    Py_buffer view_;
    lent_buffers& home_;
    loan* next_ = nullptr;  // in the list of those that came back
  };

  // Gives back what came back. Releasing a buffer may run Python code.
  void settle() noexcept;
  // The interpreter ends: what comes back later is memory that is gone.
  void close() noexcept;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept;

 private:
  void put(loan& back) noexcept;
  template <typename Release>
  void take_back(Release release_buffer) noexcept;

  std::atomic<loan*> returned_{nullptr};
  std::atomic<bool> closed_{false};
  std::atomic<uint32_t> references_{1};  // the interpreter's and one per loan
};

// Whether a parcel's receiver sees the sender's memory through a memoryview, or a copy of it.
enum class views : uint8_t { lent, copied };

// Where objects of one interpreter become parcels and parcels become objects.
//
// None, bool, int, float, str, bytes, tuple, list and dict (exactly these types) are copied directly, as long as none
// of the containers occurs twice and parcel_depth_max holds; otherwise the whole is pickled, so that identity and
// recursion arrive as they were. A C-contiguous memoryview is lent: the receiver gets one of the same shape over the
// same memory. The sending interpreter must live longer than those it lends to.
//
// Every function is called by a thread attached to the interpreter; those that fail set a Python exception.
class border {
 public:
  border(const border&) = delete;
  border& operator=(const border&) = delete;

  // The border of the interpreter that the thread is attached to; null where it could not be made.
  static border* here() noexcept;

  // The module whose dumps() and loads(), with the arguments of pickle's, are used from now on; it is imported when
  // they are needed. `name` must last.
  void use_pickler(const char* name) noexcept { pickler_ = name; }
  // A parcel with what bytes, made by that module, are the pickle of.
  static bool wrap_pickle(PyObject* data, parcel& into) noexcept;

  // False where the object cannot cross.
  bool pack(PyObject* object, parcel& into, views how) noexcept;
  // The arguments of a call, as vectorcall has them.
  bool pack_call(PyObject* const* arguments, size_t count, PyObject* keywords, parcel& into) noexcept;

  // A new reference.
  PyObject* unpack(const parcel& from) noexcept;
  // Calls with the arguments that pack_call packed; the result is a new reference.
  PyObject* call(PyObject* callable, const parcel& arguments) noexcept;

  // Gives back the buffers that other interpreters are through with.
  void settle() noexcept { lent_->settle(); }

 private:
  friend class packer;
  friend class unpacker;

  border() noexcept : lent_(new lent_buffers) {}
  ~border();
  static border* make(PyInterpreterState* interpreter) noexcept;
  static void destroy(PyObject* capsule) noexcept;
  bool load_pickle() noexcept;
  bool pickle(PyObject* object, parcel& into, views how) noexcept;
  PyObject* unpickle(parcel_reader& from, const parcel& whole) noexcept;
  PyObject* view_of(const block_ref& block) noexcept;

  // Guarded by the interpreter's GIL.
  lent_buffers* lent_;
  ref window_type_;  // of the objects that stand between a memoryview and its block
  const char* pickler_ = "pickle";
  gil_mutex loading_;
  // Written with loading_ held, before has_pickle_ says that they are there.
  ref dumps_;
  ref loads_;
  std::atomic<bool> has_pickle_ = false;
};

}  // namespace fasterapi::python
