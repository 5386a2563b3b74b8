//! AVIOContext over a reader or writer of the application's.

use crate::{
    error::{
        Error, ErrorKind, Result,
        guard::{Contained, contain, dispose},
    },
    ffi,
    raw::{avformat::interrupt_callback::InterruptCallback, log::Capture, out_of_memory},
};
use std::{
    any::Any,
    ffi::{c_int, c_void},
    io::{self, Read, Seek, SeekFrom, Write},
    ptr::{self, NonNull},
    slice,
    sync::Arc,
};

/// What FFmpeg may ask of the application.
trait Bytes: Send {
    fn read(&mut self, _into: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn seek(&mut self, _to: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

/// Says which of the methods a type has.
macro_rules! bytes {
    ($name:ident: $($bound:ident)|+ { $($method:ident($($argument:ident: $kind:ty),*) -> $result:ty;)+ }) => {
        struct $name<T>(T);
        impl<T: $($bound +)+ Send + 'static> Bytes for $name<T> {
            $(fn $method(&mut self, $($argument: $kind),*) -> io::Result<$result> {
                self.0.$method($($argument),*)
            })+
            fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
                Box::new(self.0)
            }
        }
    };
}
bytes!(Reads: Read { read(into: &mut [u8]) -> usize; });
bytes!(ReadsAndSeeks: Read | Seek { read(into: &mut [u8]) -> usize; seek(to: SeekFrom) -> u64; });
bytes!(Writes: Write { write(bytes: &[u8]) -> usize; flush() -> (); });
bytes!(WritesAndSeeks: Write | Seek { write(bytes: &[u8]) -> usize; flush() -> (); seek(to: SeekFrom) -> u64; });

/// What the callbacks work on. At a fixed address while FFmpeg knows it.
struct Application {
    bytes: Contained<Box<dyn Bytes>>,
    interrupt_callback: Arc<InterruptCallback>,
    /// The first failure, which FFmpeg has no place for.
    failure: Option<Failure>,
}

enum Failure {
    Io(io::Error),
    /// What it said. A reader that has panicked is not called again.
    Panic(String),
}

/// Calls in a row that the application may answer with [`io::ErrorKind::Interrupted`], which says that a signal came in between.
const INTERRUPTED_IN_A_ROW: usize = 100_000;

impl Application {
    /// Runs a call into the application, with nothing of it getting past.
    fn call<T>(&mut self, mut call: impl FnMut(&mut dyn Bytes) -> io::Result<T>) -> Result<T, c_int> {
        if matches!(self.failure, Some(Failure::Panic(_))) {
            return Err(ffi::AVERROR_EIO);
        }
        for _ in 0..INTERRUPTED_IN_A_ROW {
            if self.interrupt_callback.is_over() {
                return Err(ffi::AVERROR_EXIT);
            }
            let bytes = &mut **self.bytes;
            match contain(|| call(bytes)) {
                Ok(Ok(result)) => return Ok(result),
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => dispose("an error", error),
                Ok(Err(error)) => return Err(self.fail(Failure::Io(error))),
                Err(words) => return Err(self.fail(Failure::Panic(words))),
            }
        }
        Err(self.fail(Failure::Io(io::Error::other("it was interrupted again and again"))))
    }
    /// Keeps a failure, and gives FFmpeg's code for it.
    fn fail(&mut self, failure: Failure) -> c_int {
        if self.failure.is_none() || matches!(failure, Failure::Panic(_)) {
            dispose("an error", self.failure.replace(failure));
        } else {
            dispose("an error", failure);
        }
        ffi::AVERROR_EIO
    }
    /// After what a failure was about went well, or was none.
    fn forgive(&mut self) {
        if matches!(self.failure, Some(Failure::Io(_))) {
            dispose("an error", self.failure.take());
        }
    }
}

/// The reader or writer, on its way to FFmpeg.
pub(crate) struct AppBytes {
    bytes: Contained<Box<dyn Bytes>>,
    writes: bool,
    seeks: bool,
}

fn contained(bytes: impl Bytes + 'static) -> Contained<Box<dyn Bytes>> {
    Contained::new("the application's reader or writer", Box::new(bytes))
}

impl AppBytes {
    pub(crate) fn reader(reader: impl Read + Send + 'static) -> Self {
        AppBytes { bytes: contained(Reads(reader)), writes: false, seeks: false }
    }
    pub(crate) fn seekable_reader(reader: impl Read + Seek + Send + 'static) -> Self {
        AppBytes { bytes: contained(ReadsAndSeeks(reader)), writes: false, seeks: true }
    }
    pub(crate) fn writer(writer: impl Write + Send + 'static) -> Self {
        AppBytes { bytes: contained(Writes(writer)), writes: true, seeks: false }
    }
    pub(crate) fn seekable_writer(writer: impl Write + Seek + Send + 'static) -> Self {
        AppBytes { bytes: contained(WritesAndSeeks(writer)), writes: true, seeks: true }
    }
    /// An AVIOContext over it (avio_alloc_context), at its beginning: FFmpeg counts places from there.
    pub(in crate::raw) fn open(
        mut self,
        interrupt_callback: &Arc<InterruptCallback>,
    ) -> Result<AvioContext, (Error, Self)> {
        if self.seeks {
            let bytes = &mut self.bytes;
            let rewound = contain(|| bytes.seek(SeekFrom::Start(0)));
            if let Err(failure) = rewound.unwrap_or_else(|words| Err(io::Error::other(format!("it panicked: {words}"))))
            {
                return Err((failure.into(), self));
            }
        }
        let failed = |app_bytes| Err((out_of_memory("avio_alloc_context"), app_bytes));
        // SAFETY: any size may be asked for; the result is null or that many bytes of zero.
        let buffer = unsafe { ffi::av_mallocz(BUFFER) };
        if buffer.is_null() {
            return failed(self);
        }
        let AppBytes { bytes, writes, seeks } = self;
        let application =
            Box::new(Application { bytes, interrupt_callback: Arc::clone(interrupt_callback), failure: None });
        let application = Box::into_raw(application);
        // SAFETY: the buffer is FFmpeg's from here on, the callbacks match what `opaque` points to, which is kept until the context
        // is freed.
        let context = unsafe {
            ffi::avio_alloc_context(
                buffer.cast(),
                BUFFER as c_int,
                writes.into(),
                application.cast(),
                if writes { None } else { Some(read) },
                // FFmpeg 7 made the bytes const.
                if writes { Some(write as unsafe extern "C" fn(_, _, _) -> _) } else { None },
                if seeks { Some(seek) } else { None },
            )
        };
        match NonNull::new(context) {
            Some(context) => Ok(AvioContext { context, application, writes }),
            None => {
                // SAFETY: no context took the buffer over; the box was made above and nobody refers to it.
                let application = unsafe {
                    ffi::av_free(buffer);
                    Box::from_raw(application)
                };
                failed(AppBytes { bytes: application.bytes, writes, seeks })
            }
        }
    }
    /// The reader or writer itself.
    pub(crate) fn into_any(self) -> Box<dyn Any + Send> {
        self.bytes.into_inner().into_any()
    }
}

/// What FFmpeg's own files have.
const BUFFER: usize = 32 * 1024;

/// An AVIOContext of the application's, until `close` or `Drop`, after the format's context.
pub(crate) struct AvioContext {
    context: NonNull<ffi::AVIOContext>,
    application: *mut Application,
    writes: bool,
}

// SAFETY: the application's part is Send, an AVIOContext has no thread affinity, and self owns both.
unsafe impl Send for AvioContext {}
// SAFETY: through `&` there is the pointer's value alone; FFmpeg uses it in calls on the format's context, whose owner is not Sync.
unsafe impl Sync for AvioContext {}

impl AvioContext {
    pub(in crate::raw) fn as_ptr(&self) -> *mut ffi::AVIOContext {
        self.context.as_ptr()
    }
    /// The error of a call that failed: the application's own, where that is the cause.
    pub(in crate::raw) fn explain(&mut self, error: Error) -> Error {
        // SAFETY: self owns it, is borrowed mutably, and FFmpeg is in no call.
        let application = unsafe { &mut *self.application };
        let whose = if self.writes { "writer" } else { "reader" };
        match &application.failure {
            None => error,
            Some(Failure::Panic(text)) => {
                let kind = ErrorKind::Io(io::ErrorKind::Other);
                error.with_kind(kind).detail(format!("the application's {whose} panicked: {text}"))
            }
            Some(Failure::Io(failure)) => {
                // The words are the application's code as well.
                let words =
                    contain(|| failure.to_string()).unwrap_or_else(|panic| format!("an error without words ({panic})"));
                let again = match failure.raw_os_error() {
                    Some(code) => io::Error::from_raw_os_error(code),
                    None => io::Error::new(failure.kind(), words.clone()),
                };
                let detail = format!("the application's {whose} failed: {words}");
                let kind = ErrorKind::Io(failure.kind());
                match application.failure.replace(Failure::Io(again)) {
                    Some(Failure::Io(failure)) => error.with_kind(kind).detail(detail).caused_by(failure),
                    _ => error,
                }
            }
        }
    }
    /// After a seek that went well, a reader may go on.
    pub(in crate::raw) fn clear_failure(&mut self) {
        // SAFETY: as in `explain`.
        unsafe { &mut *self.application }.forgive();
    }
    /// The reader or writer itself. The format's context must not use it any more.
    pub(in crate::raw) fn into_bytes(self) -> AppBytes {
        let (context, application, writes) = (self.context.as_ptr(), self.application, self.writes);
        // SAFETY: self owns the context, which is live until it is freed below.
        let seeks = unsafe { (*context).seekable } != 0;
        std::mem::forget(self);
        // SAFETY: self owned both and is gone.
        let Application { bytes, failure, .. } = unsafe { free(context, application) };
        dispose("an error", failure);
        AppBytes { bytes, writes, seeks }
    }
    /// Hands what is buffered to the writer, and has it do the same.
    pub(in crate::raw) fn flush(&mut self) -> Result<()> {
        if !self.writes {
            return Ok(());
        }
        let _lines = Capture::start();
        // SAFETY: self owns the context, whose callbacks work on the application's part that lives as long.
        let code = unsafe {
            ffi::avio_flush(self.context.as_ptr());
            self.context.as_ref().error
        };
        // SAFETY: self owns it, and FFmpeg is in no call.
        let flushed = unsafe { &mut *self.application }.call(|bytes| bytes.flush());
        match flushed.err().or((code < 0).then_some(code)) {
            None => Ok(()),
            Some(code) => {
                let error = crate::raw::ffmpeg_error("avio_flush", code, Vec::new());
                Err(self.explain(error))
            }
        }
    }
}

/// # Safety
/// Both belong together, as `AppBytes::open` made them, and are not used again.
unsafe fn free(context: *mut ffi::AVIOContext, application: *mut Application) -> Application {
    let mut context = context;
    // SAFETY: the caller's word. FFmpeg may have put another buffer in the place of the first; it is freed apart.
    unsafe {
        ffi::av_freep((&raw mut (*context).buffer).cast());
        ffi::avio_context_free(&mut context);
        *Box::from_raw(application)
    }
}

impl Drop for AvioContext {
    fn drop(&mut self) {
        // SAFETY: self owns both and is not used again.
        let Application { bytes, failure, .. } = unsafe { free(self.context.as_ptr(), self.application) };
        dispose("an error", failure);
        drop(bytes);
    }
}

unsafe extern "C" fn read(opaque: *mut c_void, buffer: *mut u8, size: c_int) -> c_int {
    let Ok(length) = usize::try_from(size) else { return ffi::AVERROR_EINVAL };
    // SAFETY: `AppBytes::open` put an Application there; FFmpeg's calls on one context do not overlap.
    let application = unsafe { &mut *opaque.cast::<Application>() };
    // SAFETY: FFmpeg passes `size` writable bytes. They may never have been written, which a reader must not see.
    let buffer = unsafe {
        ptr::write_bytes(buffer, 0, length);
        slice::from_raw_parts_mut(buffer, length)
    };
    match application.call(|bytes| within(bytes.read(buffer), length)) {
        Ok(0) => ffi::AVERROR_EOF,
        Ok(count) => count as c_int,
        Err(code) => code,
    }
}

/// FFmpeg 5 and 6 pass `*mut u8`, later versions `*const u8`: the compiler finds out which.
unsafe extern "C" fn write<P: Pointer>(opaque: *mut c_void, data: P, size: c_int) -> c_int {
    let Ok(length) = usize::try_from(size) else { return ffi::AVERROR_EINVAL };
    // SAFETY: as in `read`.
    let application = unsafe { &mut *opaque.cast::<Application>() };
    // SAFETY: FFmpeg passes `size` bytes of its buffer, and does not write to them meanwhile.
    let mut data = unsafe { slice::from_raw_parts(data.address(), length) };
    while !data.is_empty() {
        match application.call(|bytes| within(bytes.write(data), data.len())) {
            Ok(0) => {
                let failure = io::Error::new(io::ErrorKind::WriteZero, "the writer takes nothing more");
                return application.fail(Failure::Io(failure));
            }
            Ok(count) => data = &data[count..],
            Err(code) => return code,
        }
    }
    size
}

trait Pointer {
    fn address(self) -> *const u8;
}
impl Pointer for *const u8 {
    fn address(self) -> *const u8 {
        self
    }
}
impl Pointer for *mut u8 {
    fn address(self) -> *const u8 {
        self
    }
}

/// A count that the caller may go by.
fn within(count: io::Result<usize>, most: usize) -> io::Result<usize> {
    match count {
        Ok(count) if count > most => {
            Err(io::Error::other(format!("it says that it took {count} bytes where there are {most}")))
        }
        count => count,
    }
}

unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: as in `read`.
    let application = unsafe { &mut *opaque.cast::<Application>() };
    let done = match whence & !ffi::AVSEEK_FORCE {
        ffi::AVSEEK_SIZE => {
            let failed_before = application.failure.is_some();
            let end = application.call(|bytes| {
                let here = bytes.seek(SeekFrom::Current(0))?;
                let end = bytes.seek(SeekFrom::End(0))?;
                bytes.seek(SeekFrom::Start(here))?;
                Ok(end)
            });
            if !failed_before {
                // Not to know one's length is no failure.
                application.forgive();
            }
            end
        }
        // SEEK_SET, SEEK_CUR, SEEK_END: ISO C's, 0, 1 and 2 everywhere.
        0 => match u64::try_from(offset) {
            // FFmpeg takes the answer for the place and goes on from there: some of its formats abort on a wrong one.
            Ok(offset) => application.call(|bytes| match bytes.seek(SeekFrom::Start(offset))? {
                place if place == offset => Ok(place),
                place => Err(io::Error::other(format!("asked to go to byte {offset}, it says that it is at {place}"))),
            }),
            Err(_) => Err(ffi::AVERROR_EINVAL),
        },
        1 => application.call(|bytes| bytes.seek(SeekFrom::Current(offset))),
        2 => application.call(|bytes| bytes.seek(SeekFrom::End(offset))),
        _ => Err(ffi::AVERROR_EINVAL),
    };
    match done {
        Ok(place) => i64::try_from(place).unwrap_or(i64::MAX),
        Err(code) => code.into(),
    }
}

static_assertions::assert_impl_all!(AvioContext: Send);
static_assertions::assert_not_impl_any!(AvioContext: Clone);
