#pragma once

namespace fasterapi::core {

// A link of an intrusive list; an object derives from it once per list it can be in (tell them apart by `Tag`).
template <typename Tag>
struct list_link {
  list_link* previous = nullptr;
  list_link* next = nullptr;

  bool linked() const noexcept { return next != nullptr; }
  void unlink() noexcept {
    if (next == nullptr) return;
    previous->next = next;
    next->previous = previous;
    previous = next = nullptr;
  }
};

// A doubly linked list through links in the objects: no memory of its own, unlink from anywhere in O(1).
// Owner: one thread. It does not own its objects; an object must be unlinked before it is destroyed.
template <typename T, typename Tag>
class intrusive_list {
  using link = list_link<Tag>;

 public:
  intrusive_list() noexcept { head_.previous = head_.next = &head_; }
  intrusive_list(const intrusive_list&) = delete;
  intrusive_list& operator=(const intrusive_list&) = delete;

  bool empty() const noexcept { return head_.next == &head_; }
  T* front() noexcept { return empty() ? nullptr : object(head_.next); }
  // The one behind `item`, or null at the end.
  T* after(T& item) noexcept {
    link* next = static_cast<link&>(item).next;
    return next == &head_ ? nullptr : object(next);
  }

  // Puts `item` at the end; it may be in this list already.
  void push_back(T& item) noexcept {
    link& added = item;
    added.unlink();
    added.previous = head_.previous;
    added.next = &head_;
    head_.previous->next = &added;
    head_.previous = &added;
  }
  T* pop_front() noexcept {
    T* first = front();
    if (first != nullptr) static_cast<link*>(first)->unlink();
    return first;
  }

 private:
  static T* object(link* at) noexcept { return static_cast<T*>(at); }

  link head_;
};

}  // namespace fasterapi::core
