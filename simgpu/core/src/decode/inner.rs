//! Safe owners for `inner.c`: FFmpeg's software H.264 decoder and the pictures it makes.
use std::ffi::c_int;
use std::ptr::NonNull;

/// A time stamp the stream does not give (`AV_NOPTS_VALUE`).
pub const NO_TIMESTAMP: i64 = i64::MIN;

#[repr(C)]
struct RawInner {
    _opaque: [u8; 0],
}

#[repr(C)]
struct RawPicture {
    _opaque: [u8; 0],
}

/// A picture that is ready for display.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Displayed {
    pub serial: u64,
    pub pts: i64,
    pub interlaced: i32,
    pub top_field_first: i32,
    pub repeat_pict: i32,
    /// Not zero when parts of it were concealed.
    pub damaged: i32,
    /// Not zero before the first picture from which the stream can be decoded.
    pub unrecovered: i32,
}

unsafe extern "C" {
    fn simgpu_inner_open() -> *mut RawInner;
    fn simgpu_inner_close(inner: *mut RawInner);
    fn simgpu_inner_send(inner: *mut RawInner, data: *const u8, size: c_int, pts: i64) -> c_int;
    fn simgpu_inner_receive(inner: *mut RawInner, displayed: *mut Displayed) -> c_int;
    fn simgpu_inner_flush(inner: *mut RawInner);
    fn simgpu_inner_take_begun(inner: *mut RawInner, serial: *mut u64) -> *mut RawPicture;
    fn simgpu_picture_planes(
        picture: *const RawPicture,
        planes: *mut *const u8,
        strides: *mut c_int,
        width: *mut c_int,
        height: *mut c_int,
    ) -> c_int;
    fn simgpu_picture_share(picture: *const RawPicture) -> *mut RawPicture;
    fn simgpu_picture_free(picture: *mut RawPicture);
}

/// A decoded picture, counted by reference.
pub struct Picture(NonNull<RawPicture>);

// SAFETY: the AVFrame shell belongs to this value alone, and the buffers it refers to are counted atomically. The decoder has
// written a picture when the call that decodes it returns, a field picture when its second field's does; all later access reads.
unsafe impl Send for Picture {}

/// A view of a picture's planes: Y, U, V with their strides, and the size of the Y plane.
#[derive(Clone, Copy)]
pub struct Planes<'p> {
    pub data: [&'p [u8]; 3],
    pub strides: [usize; 3],
    pub width: usize,
    pub height: usize,
}

impl Picture {
    /// Another reference to the same picture; `None` without memory.
    pub fn share(&self) -> Option<Picture> {
        // SAFETY: self.0 is an AVFrame that this value owns.
        NonNull::new(unsafe { simgpu_picture_share(self.0.as_ptr()) }).map(Picture)
    }

    /// `None` when it is not 8-bit 4:2:0.
    pub fn planes(&self) -> Option<Planes<'_>> {
        let mut pointers = [std::ptr::null(); 3];
        let (mut strides, mut width, mut height) = ([0; 3], 0, 0);
        // SAFETY: self.0 is an AVFrame that this value owns, and the arrays have the three elements the function writes.
        let is_420 = unsafe {
            simgpu_picture_planes(self.0.as_ptr(), pointers.as_mut_ptr(), strides.as_mut_ptr(), &mut width, &mut height)
        };
        let (width, height) = (usize::try_from(width).ok()?, usize::try_from(height).ok()?);
        if is_420 == 0 || width == 0 || height == 0 {
            return None;
        }
        let mut data: [&[u8]; 3] = [&[]; 3];
        let mut widths = [0; 3];
        for plane in 0..3 {
            let (columns, rows) = if plane == 0 { (width, height) } else { (width.div_ceil(2), height.div_ceil(2)) };
            widths[plane] = usize::try_from(strides[plane]).ok().filter(|stride| *stride >= columns)?;
            if pointers[plane].is_null() {
                return None;
            }
            // SAFETY: libavcodec allocated `rows` rows of `stride` bytes for this plane (the last at least `columns`), and
            // the reference in self keeps them; nothing writes a picture after it is decoded, see Send above.
            data[plane] = unsafe { std::slice::from_raw_parts(pointers[plane], widths[plane] * (rows - 1) + columns) };
        }
        Some(Planes { data, strides: widths, width, height })
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: self.0 is an AVFrame that this value owns and does not use again.
        unsafe { simgpu_picture_free(self.0.as_ptr()) };
    }
}

/// FFmpeg's software decoder, one thread, silent.
pub struct Inner(NonNull<RawInner>);

// SAFETY: an AVCodecContext may be used from any thread as long as it is one at a time, which &mut self ensures.
unsafe impl Send for Inner {}

/// What one packet led to.
#[derive(Default)]
pub struct Sent {
    /// The picture it began, by its serial number: none for a second field or for what cannot be decoded.
    pub begun: Option<(u64, Picture)>,
    /// The pictures that can be displayed now, in display order.
    pub displayed: Vec<Displayed>,
    /// The decoder found something wrong.
    pub failed: bool,
}

impl Inner {
    /// `None` when this FFmpeg has no H.264 decoder, or no memory.
    pub fn open() -> Option<Inner> {
        // SAFETY: no preconditions.
        NonNull::new(unsafe { simgpu_inner_open() }).map(Inner)
    }

    /// Decodes one access unit or field, which must begin with a four-byte start code: FFmpeg could take a three-byte one
    /// for the length prefix of an MP4 stream.
    pub fn decode(&mut self, unit: &[u8], pts: i64) -> Sent {
        debug_assert!(unit.starts_with(&[0, 0, 0, 1]));
        let Ok(size @ 1..) = c_int::try_from(unit.len()) else { return Sent { failed: true, ..Sent::default() } };
        self.send(unit, size, pts)
    }

    /// Ends the stream and gives what is left of it; the decoder is ready for another afterwards.
    pub fn drain(&mut self) -> Vec<Displayed> {
        let sent = self.send(&[], 0, NO_TIMESTAMP);
        self.flush();
        sent.displayed
    }

    /// Forgets all pictures, not the parameter sets.
    pub fn flush(&mut self) {
        // SAFETY: self.0 is an open decoder that this value owns.
        unsafe { simgpu_inner_flush(self.0.as_ptr()) };
    }

    fn send(&mut self, unit: &[u8], size: c_int, pts: i64) -> Sent {
        // SAFETY: self.0 is an open decoder that this value owns, and `unit` has `size` bytes.
        let result = unsafe { simgpu_inner_send(self.0.as_ptr(), unit.as_ptr(), size, pts) };
        let mut sent = Sent { failed: result < 0, ..Sent::default() };
        // Receiving also makes the decoder decode what it only queued. A failed picture says nothing of the next.
        let mut failures = 0;
        while failures < 8 {
            let mut displayed = Displayed::default();
            // SAFETY: as above; `displayed` is written only.
            match unsafe { simgpu_inner_receive(self.0.as_ptr(), &mut displayed) } {
                0 => break,
                1 => sent.displayed.push(displayed),
                _ => failures += 1,
            }
        }
        sent.failed |= failures > 0;
        let mut serial = 0;
        // SAFETY: as above.
        let picture = NonNull::new(unsafe { simgpu_inner_take_begun(self.0.as_ptr(), &mut serial) });
        sent.begun = picture.map(|picture| (serial, Picture(picture)));
        sent
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: self.0 is an open decoder that this value owns and does not use again.
        unsafe { simgpu_inner_close(self.0.as_ptr()) };
    }
}
