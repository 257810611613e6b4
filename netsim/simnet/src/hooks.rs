//! What stands in for the system's clock and chance on the thread of a simulation.
//!
//! [`interpose!`](crate::interpose) defines `clock_gettime` and `getrandom` in a binary, where
//! the linker prefers them to the C library's. On any thread but a simulation's they make the
//! system call that they stand in for.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};

use rand_core::Rng;

use crate::chance::Stream;

/// What the monotonic clock shows at the start, in seconds: far enough from zero that code may
/// subtract from it.
const MONOTONIC_START: i64 = 1_000_000;
/// The network's time at the start: the first of January 2026, in seconds since the epoch.
const EPOCH_START: i64 = 1_767_225_600;

thread_local! {
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
    /// How much the present host's clock is ahead, in ns.
    static OFFSET: Cell<i64> = const { Cell::new(0) };
    static CHANCE: RefCell<Option<Stream>> = const { RefCell::new(None) };
}

/// From now on this thread lives in virtual time, and draws from `chance`.
pub(crate) fn enter(chance: Stream) {
    CHANCE.with(|own| *own.borrow_mut() = Some(chance));
    ACTIVE.with(|active| active.set(true));
}

/// Whether this thread lives in virtual time.
pub fn active() -> bool {
    ACTIVE.try_with(Cell::get).unwrap_or(false)
}

/// The real monotonic clock, from within a simulation too, in ns.
pub fn real_clock() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the call writes to `time`, which is valid, and to nothing else.
    unsafe { libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_MONOTONIC, &mut time) };
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Another host computes: its clock and its stream of chance, or the one that is drawn from if
/// that is in use. Gives back those of the one before.
pub(crate) fn switch(offset: i64, chance: Option<Stream>) -> (i64, Option<Stream>) {
    let offset = OFFSET.with(|own| own.replace(offset));
    let chance = chance.and_then(|chance| CHANCE.with(|own| own.borrow_mut().replace(chance)));
    (offset, chance)
}

/// Bytes of the chance of whoever computes.
pub(crate) fn fill(bytes: &mut [u8]) {
    CHANCE.with(|chance| {
        if let Some(chance) = &mut *chance.borrow_mut() {
            chance.fill_bytes(bytes);
        }
    });
}

/// The system's `clock_gettime`, but for the clocks of a simulation.
///
/// # Safety
///
/// As for the function it stands in for: `time` points to a `timespec` that may be written.
pub unsafe fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
    if !active() {
        // SAFETY: handed on as it came.
        return unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) } as libc::c_int;
    }
    let now = i64::try_from(futures_timer::clock::now()).unwrap_or(i64::MAX);
    let (start, offset) = match clock {
        libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE => (EPOCH_START, OFFSET.with(Cell::get)),
        libc::CLOCK_MONOTONIC
        | libc::CLOCK_MONOTONIC_COARSE
        | libc::CLOCK_MONOTONIC_RAW
        | libc::CLOCK_BOOTTIME => (MONOTONIC_START, 0),
        // The processor's time is real.
        _ => {
            // SAFETY: handed on as it came.
            return unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) } as libc::c_int;
        }
    };
    let shown = now.saturating_add(offset);
    // SAFETY: the caller's promise.
    unsafe {
        (*time).tv_sec = start + shown.div_euclid(1_000_000_000);
        (*time).tv_nsec = shown.rem_euclid(1_000_000_000);
    }
    0
}

/// The system's `getrandom`, but for the chance of a simulation.
///
/// # Safety
///
/// As for the function it stands in for: `length` bytes at `bytes` may be written.
pub unsafe fn getrandom(
    bytes: *mut libc::c_void,
    length: libc::size_t,
    flags: libc::c_uint,
) -> libc::ssize_t {
    if active() && !bytes.is_null() {
        let filled = CHANCE.with(|chance| {
            let mut chance = chance.try_borrow_mut().ok()?;
            // SAFETY: the caller's promise.
            let bytes = unsafe { std::slice::from_raw_parts_mut(bytes.cast::<u8>(), length) };
            chance.as_mut()?.fill_bytes(bytes);
            Some(length as libc::ssize_t)
        });
        if let Some(filled) = filled {
            return filled;
        }
    }
    // SAFETY: handed on as it came.
    unsafe { libc::syscall(libc::SYS_getrandom, bytes, length, flags) as libc::ssize_t }
}

/// Defines `clock_gettime` and `getrandom` in this binary. To be called once, at the top of the
/// file with `main` (or of a test file).
#[macro_export]
macro_rules! interpose {
    () => {
        #[allow(unsafe_code)]
        mod interposed {
            /// # Safety
            /// See `simnet::hooks::clock_gettime`.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn clock_gettime(
                clock: $crate::hooks::clockid_t,
                time: *mut $crate::hooks::timespec,
            ) -> $crate::hooks::c_int {
                unsafe { $crate::hooks::clock_gettime(clock, time) }
            }

            /// # Safety
            /// See `simnet::hooks::getrandom`.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn getrandom(
                bytes: *mut $crate::hooks::c_void,
                length: usize,
                flags: $crate::hooks::c_uint,
            ) -> isize {
                unsafe { $crate::hooks::getrandom(bytes, length, flags) }
            }
        }
    };
}

#[doc(hidden)]
pub use libc::{c_int, c_uint, c_void, clockid_t, timespec};
