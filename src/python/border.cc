#include "python/border.h"

#include <mutex>
#include <new>
#include <utility>

namespace fasterapi::python {

lent_buffers::loan::loan(const Py_buffer& view, block_layout layout, lent_buffers& home) noexcept
    : shared_block(static_cast<char*>(view.buf), static_cast<size_t>(view.len), std::move(layout)),
      view_(view),
      home_(home) {
  home.retain();
}

void lent_buffers::put(loan& back) noexcept {
  loan* first = returned_.load(std::memory_order_relaxed);
  do {
    back.next_ = first;
  } while (!returned_.compare_exchange_weak(first, &back, std::memory_order_seq_cst, std::memory_order_relaxed));
  if (closed_.load(std::memory_order_seq_cst)) take_back([](Py_buffer&) {});
}

template <typename Release>
void lent_buffers::take_back(Release release_buffer) noexcept {
  for (loan* each = returned_.exchange(nullptr, std::memory_order_seq_cst); each != nullptr;) {
    loan* next = each->next_;
    release_buffer(each->view_);
    delete each;
    release();  // NOLINT(clang-analyzer-cplusplus.NewDelete): each loan is a reference
    each = next;
  }
}

void lent_buffers::settle() noexcept {
  if (returned_.load(std::memory_order_relaxed) == nullptr) return;
  PyObject* raised = PyErr_GetRaisedException();
  take_back([](Py_buffer& view) { PyBuffer_Release(&view); });
  PyErr_SetRaisedException(raised);
}

void lent_buffers::close() noexcept {
  settle();
  closed_.store(true, std::memory_order_seq_cst);
  take_back([](Py_buffer&) {});  // NOLINT(clang-analyzer-cplusplus.NewDelete): the caller has a reference
}

void lent_buffers::release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

namespace {

constexpr const char* border_name = "fasterapi.border";

// The object whose buffer is a block's memory: what a memoryview of a lent buffer is a view of.
struct window {
  PyObject_HEAD block_ref block;
  Py_ssize_t* shape;  // and the strides behind it
};

window* window_of(PyObject* object) noexcept { return reinterpret_cast<window*>(object); }

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  const window& through = *window_of(self);
  const block_layout& layout = through.block->layout();
  if ((flags & PyBUF_WRITABLE) != 0 && layout.is_readonly) {
    PyErr_SetString(PyExc_BufferError, "the memory is read-only");
    view->obj = nullptr;
    return -1;
  }
  const bool has_shape = (flags & PyBUF_ND) != 0;
  view->buf = through.block->data();
  view->obj = Py_NewRef(self);
  view->len = static_cast<Py_ssize_t>(through.block->size());
  view->readonly = layout.is_readonly ? 1 : 0;
  view->itemsize = layout.item_size;
  view->format = (flags & PyBUF_FORMAT) != 0 ? const_cast<char*>(layout.format.c_str()) : nullptr;
  view->ndim = static_cast<int>(layout.shape.size());
  view->shape = has_shape ? through.shape : nullptr;
  view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? through.shape + layout.shape.size() : nullptr;
  view->suboffsets = nullptr;
  view->internal = nullptr;
  return 0;
}

void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyMem_Free(window_of(self)->shape);
  window_of(self)->block.~block_ref();
  type->tp_free(self);
  Py_DECREF(type);
}

PyType_Slot window_slots[] = {
    {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_doc, const_cast<char*>("Memory that another interpreter lends.")},
    {0, nullptr},
};

PyType_Spec window_spec = {
    .name = "fasterapi._engine.Window",
    .basicsize = sizeof(window),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = window_slots,
};

}  // namespace

border::~border() {
  lent_->close();
  lent_->release();  // NOLINT(clang-analyzer-cplusplus.NewDelete): it is this one's
}

void border::destroy(PyObject* capsule) noexcept {
  delete static_cast<border*>(PyCapsule_GetPointer(capsule, border_name));
}

border* border::make(PyInterpreterState* interpreter) noexcept {
  PyObject* kept = PyInterpreterState_GetDict(interpreter);
  if (kept == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "the interpreter keeps no state of extensions");
    return nullptr;
  }
  auto* made = new (std::nothrow) border;
  if (made == nullptr) {
    PyErr_NoMemory();
    return nullptr;
  }
  const ref capsule = ref::steal(PyCapsule_New(made, border_name, destroy));
  if (!capsule) {
    delete made;
    return nullptr;
  }
  made->window_type_ = ref::steal(PyType_FromSpec(&window_spec));
  const ref name = ref::steal(PyUnicode_FromString(border_name));
  if (!made->window_type_ || !name) return nullptr;
  // Another thread of the interpreter may have been faster. Whichever stays lasts as long as the interpreter.
  PyObject* stays = PyDict_SetDefault(kept, name.get(), capsule.get());
  return stays == nullptr ? nullptr : static_cast<border*>(PyCapsule_GetPointer(stays, border_name));
}

border* border::here() noexcept {
  // Numbers of interpreters are not used again, so that an entry of one that has ended is never found.
  struct last_found {
    int64_t interpreter = -1;
    border* its = nullptr;
  };
  thread_local last_found last;
  PyInterpreterState* interpreter = PyInterpreterState_Get();
  const int64_t id = PyInterpreterState_GetID(interpreter);
  if (last.interpreter != id) {
    border* its = make(interpreter);
    if (its == nullptr) return nullptr;
    last = {id, its};
  }
  return last.its;
}

bool border::load_pickle() noexcept {
  if (has_pickle_.load(std::memory_order_acquire)) return true;
  const ref module = ref::steal(PyImport_ImportModule(pickler_));
  if (!module) return false;
  ref dumps = ref::steal(PyObject_GetAttrString(module.get(), "dumps"));
  ref loads = ref::steal(PyObject_GetAttrString(module.get(), "loads"));
  if (!dumps || !loads) return false;
  const std::lock_guard alone(loading_);
  if (has_pickle_.load(std::memory_order_relaxed)) return true;  // another thread was faster
  dumps_ = std::move(dumps);
  loads_ = std::move(loads);
  has_pickle_.store(true, std::memory_order_release);
  return true;
}

PyObject* border::view_of(const block_ref& block) noexcept {
  const std::vector<int64_t>& shape = block->layout().shape;
  auto* type = reinterpret_cast<PyTypeObject*>(window_type_.get());
  const ref made = ref::steal(type->tp_alloc(type, 0));
  if (!made) return nullptr;
  window& through = *window_of(made.get());
  new (&through.block) block_ref(block);
  through.shape = static_cast<Py_ssize_t*>(PyMem_Malloc((2 * shape.size() + 1) * sizeof(Py_ssize_t)));
  if (through.shape == nullptr) return PyErr_NoMemory();
  Py_ssize_t stride = block->layout().item_size;
  for (size_t i = shape.size(); i-- > 0;) {
    through.shape[i] = shape[i];
    through.shape[shape.size() + i] = stride;
    stride *= shape[i];
  }
  return PyMemoryView_FromObject(made.get());
}

}  // namespace fasterapi::python
