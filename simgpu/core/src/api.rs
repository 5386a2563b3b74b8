//! The `api!` macro: what happens around the body of every driver function.
//!
//! ```text
//! api! { export;
//!     /// A comment
//!     fn cuCtxGetDevice(device: Out<c_int>) {
//!         context::require()?;
//!         device.set(0)
//!     }
//! }
//! ```
//!
//! `export;` gives the functions their C names in the library's symbol table; `table;` does not (NVENC's and VA-API's functions
//! are reached through a table). The body returns [`Outcome`](crate::status::Outcome). [`call`] counts the call, answers an
//! injected fault instead of running the body, turns a panic into an error, and logs. Parameters: plain C types, raw pointers,
//! and [`Out`], a pointer that the caller vouches for.
//!
//! A fault does nothing but return its status, which is what most failures leave behind. Where a real failure leaves more,
//! `failing { .. }` before the body says what: it runs in place of the body.
//!
//! ```text
//!     fn vaEndPicture(display: Display, context: u32) failing { picture::abandon(display, context) } { .. }
//! ```

use crate::ledger;
use crate::report;
use crate::status::{Outcome, SUCCESS, Status, cu};
use std::cell::Cell;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

macro_rules! api {
    (@one [$($export:tt)*] $(#[$meta:meta])* fn $name:ident ( $($arg:ident : $ty:ty),* ) [$($failing:block)?] $body:block) => {
        $(#[$meta])*
        $($export)*
        #[allow(non_snake_case)]
        pub unsafe extern "C" fn $name($($arg: $ty),*) -> $crate::status::Status {
            $crate::api::call(
                stringify!($name),
                #[allow(unused_mut, unused_variables)]
                |line: &mut String| { $( $crate::api::argument(line, stringify!($arg), &$arg); )* },
                || { $( let () = $failing; )? },
                || -> $crate::status::Outcome { $body },
            )
        }
    };
    (export; $( $(#[$meta:meta])* fn $name:ident ( $($arg:ident : $ty:ty),* $(,)? ) $(failing $failing:block)? $body:block )*) => {
        $( api! { @one [#[unsafe(no_mangle)]] $(#[$meta])* fn $name ( $($arg : $ty),* ) [$($failing)?] $body } )*
    };
    (table; $( $(#[$meta:meta])* fn $name:ident ( $($arg:ident : $ty:ty),* $(,)? ) $(failing $failing:block)? $body:block )*) => {
        $( api! { @one [] $(#[$meta])* fn $name ( $($arg : $ty),* ) [$($failing)?] $body } )*
    };
}

thread_local! {
    static LAST_FAILURE: Cell<Status> = const { Cell::new(SUCCESS) };
}

/// The last failure of a driver call in this thread.
pub fn last_failure() -> Status {
    LAST_FAILURE.get()
}

/// Runs one driver call. Use it through `api!`.
pub fn call(
    name: &'static str,
    arguments: impl Fn(&mut String),
    failing: impl FnOnce(),
    body: impl FnOnce() -> Outcome,
) -> Status {
    let injected = ledger::lock().enter(name);
    let run = || match injected {
        Some(status) => {
            failing();
            Err(status)
        }
        None => body(),
    };
    let status = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => SUCCESS,
        Ok(Err(status)) => status,
        Err(_) => {
            ledger::lock().violation(format!("{name}: the simulation itself panicked"));
            Status::internal_error(name)
        }
    };
    ledger::lock().leave(name, status);
    if status.is_failure(name) {
        LAST_FAILURE.set(status);
    }
    report::log_call(|line| {
        let _ = write!(line, "{name}(");
        arguments(line);
        let _ = write!(line, ") = {}{}", status.0, if injected.is_some() { " INJECTED" } else { "" });
    });
    status
}

/// Appends `name=value` to a log line.
pub fn argument(line: &mut String, name: &str, value: &impl Argument) {
    let comma = if line.ends_with('(') { "" } else { ", " };
    let _ = write!(line, "{comma}{name}=");
    value.show(line);
}

/// A parameter of a driver function, as the call log shows it.
pub trait Argument {
    /// Appends the value.
    fn show(&self, line: &mut String);
}

macro_rules! show_integers {
    ($($ty:ty)*) => { $( impl Argument for $ty {
        fn show(&self, line: &mut String) {
            let _ = if *self as u64 >= 1 << 24 && (*self as i128) > 0 { write!(line, "{self:#x}") } else { write!(line, "{self}") };
        }
    } )* };
}
show_integers! { u8 u16 u32 u64 usize i8 i16 i32 i64 }

impl<T> Argument for *mut T {
    fn show(&self, line: &mut String) {
        (*self as usize).show(line);
    }
}

impl<T> Argument for *const T {
    fn show(&self, line: &mut String) {
        (*self as usize).show(line);
    }
}

/// A pointer parameter that the caller vouches for: null, or a `T` that stays readable and writable for the call.
///
/// `T` declares no field past the last one that is used here, so the caller's struct may be longer.
#[repr(transparent)]
pub struct Out<T>(*mut T);

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Out<T> {}

impl<T> Argument for Out<T> {
    fn show(&self, line: &mut String) {
        self.0.show(line);
    }
}

impl<T> Out<T> {
    /// Whether the caller passed null.
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// Writes the value; null is an invalid value.
    pub fn set(self, value: T) -> Outcome {
        if self.0.is_null() {
            return Err(cu::INVALID_VALUE);
        }
        // SAFETY: an Out comes from the C caller alone, who by the driver interface passes null or a writable T.
        unsafe { self.0.write_unaligned(value) };
        Ok(())
    }

    /// Writes the value, or fails with `null` when there is no place for it.
    pub fn put(self, value: T, null: Status) -> Outcome {
        if self.is_null() { Err(null) } else { self.set(value) }
    }

    /// Writes the value where the caller wants it.
    pub fn set_if_wanted(self, value: T) {
        if !self.0.is_null() {
            let _ = self.set(value);
        }
    }

    /// The caller's struct, or `null` as the error.
    pub fn structure<'call>(self, null: Status) -> Outcome<&'call mut T> {
        // SAFETY: an Out comes from the C caller alone, who by the driver interface passes null or an aligned, initialised T
        // that nobody else touches during the call.
        unsafe { self.0.as_mut() }.ok_or(null)
    }
}
