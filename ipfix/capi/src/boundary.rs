//! Where C comes in: what it gives, and what it is answered.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// What last went wrong in this thread.
    static FAULT: RefCell<CString> = RefCell::default();
}

/// Runs an entry point. A fault is remembered; a panic ends here and is one as well: `failed` is answered.
pub(crate) fn enter<R, E: Display>(failed: R, entry: impl FnOnce() -> Result<R, E>) -> R {
    let fault = match catch_unwind(AssertUnwindSafe(entry)) {
        Ok(Ok(answer)) => return answer,
        Ok(Err(fault)) => fault.to_string(),
        Err(_) => "a bug in weir-ipfix".to_owned(),
    };
    let text = CString::new(fault.replace('\0', " ")).unwrap_or_default();
    // At the end of a thread there is nobody who could ask.
    let _ = FAULT.try_with(|last| *last.borrow_mut() = text);
    failed
}

/// As [`enter`], for functions that answer 0, or −1 for a fault.
pub(crate) fn status<E: Display>(entry: impl FnOnce() -> Result<(), E>) -> c_int {
    enter(-1, || entry().map(|()| 0))
}

/// The text at `text`; `None` if it is a null pointer or not UTF-8.
///
/// # Safety
/// Where it is no null pointer there is a string that ends with a 0 and stays as it is.
pub(crate) unsafe fn text<'t>(text: *const c_char) -> Option<&'t str> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller guarantees it.
    unsafe { CStr::from_ptr(text) }.to_str().ok()
}

/// What last went wrong in this thread, as text; empty if nothing has. It stays until something else goes wrong.
#[unsafe(no_mangle)]
extern "C" fn ipfix_fault() -> *const c_char {
    FAULT.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}
