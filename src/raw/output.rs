//! AVFormatContext of a file that is written.

mod filter;
mod reorder;
mod setup;
mod track;

pub(crate) use setup::{Container, TrackSetup};

use super::{PacketShell, Result, check, input::Location, out_of_memory};
use crate::{Error, ErrorKind, ffi};
use filter::HeaderFilter;
use std::{
    io,
    ptr::{self, NonNull},
};
use track::Track;

/// An AVFormatContext that writes: its header is written in `open`, its trailer in `finish`.
pub(crate) struct Output {
    context: NonNull<ffi::AVFormatContext>,
    container: Container,
    location: Location,
    tracks: Vec<Track>,
    /// The header was written, the trailer not.
    unfinished: bool,
}

// SAFETY: an AVFormatContext has no thread affinity, and self is its one owner. It is not Sync.
unsafe impl Send for Output {}

impl Output {
    /// Creates the file and writes its header (avio_open2, avformat_write_header). What fails leaves nothing open.
    pub(crate) fn open(container: Container, location: &Location, setups: &[TrackSetup]) -> Result<Self> {
        let mut context = ptr::null_mut();
        // SAFETY: the context is allocated by the call; the format is static, the URL terminated.
        check("avformat_alloc_output_context2", || unsafe {
            let format = container.get();
            ffi::avformat_alloc_output_context2(&mut context, format, ptr::null(), location.url().as_ptr())
        })?;
        let context = NonNull::new(context).ok_or_else(|| out_of_memory("avformat_alloc_output_context2"))?;
        let mut output =
            Output { context, container, location: location.clone(), tracks: Vec::new(), unfinished: false };
        for setup in setups {
            // SAFETY: the context is live and has no header yet; the stream is the context's.
            let stream = unsafe { ffi::avformat_new_stream(context.as_ptr(), ptr::null()).as_mut() };
            setup.write_to(stream.ok_or_else(|| out_of_memory("avformat_new_stream"))?, container)?;
        }
        let filters = setups.iter().map(|setup| {
            let headers = setup.needs_headers(container).then(|| HeaderFilter::new(&setup.parameters));
            headers.transpose()
        });
        let filters: Vec<_> = filters.collect::<Result<_>>()?;
        if !container.opens_files() {
            // SAFETY: the context is live, and its writer still null; the URL is terminated.
            check("avio_open2", || unsafe {
                let writer = &mut (*context.as_ptr()).pb;
                ffi::avio_open2(writer, location.url().as_ptr(), ffi::AVIO_FLAG_WRITE, ptr::null(), ptr::null_mut())
            })
            .map_err(|error| location.name(not_created(error)))?;
        }
        // SAFETY: the context has its streams and, unless the format opens files itself, its writer.
        check("avformat_write_header", || unsafe { ffi::avformat_write_header(context.as_ptr(), ptr::null_mut()) })
            .map_err(|error| location.name(error))?;
        output.unfinished = true;
        for (index, (setup, headers)) in setups.iter().zip(filters).enumerate() {
            // SAFETY: the context is live and has one stream for each set-up.
            let time_base = unsafe { (**(*context.as_ptr()).streams.add(index)).time_base };
            output.tracks.push(Track::new(setup, time_base.into(), container.has_times(), headers));
        }
        Ok(output)
    }
    /// Writes a packet, with its times rescaled to the track's and what it lacks added (av_interleaved_write_frame).
    pub(crate) fn write(&mut self, index: usize, packet: PacketShell) -> Result<()> {
        let Some(track) = self.tracks.get_mut(index) else {
            return Err(Error::invalid("track", format!("{} has no track {index}", self.location)));
        };
        track.push(packet)?;
        self.write_ready(index)
    }
    fn write_ready(&mut self, index: usize) -> Result<()> {
        while let Some(mut packet) = self.tracks[index].pop()? {
            packet.set_stream_index(index);
            packet.get_mut().pos = -1;
            let (pts, dts) = (packet.pts(), packet.dts());
            let (context, packet) = (self.context.as_ptr(), packet.as_ptr());
            // SAFETY: the header is written and the trailer not, for `finish` takes self; each track has its stream; the packet
            // is ours, and FFmpeg empties it.
            let written =
                check("av_interleaved_write_frame", || unsafe { ffi::av_interleaved_write_frame(context, packet) });
            written.map_err(|error| self.not_written(error, index, pts, dts))?;
            self.tracks[index].last_written = dts;
        }
        Ok(())
    }
    /// FFmpeg's code for times that it refuses is the general EINVAL.
    fn not_written(&self, error: Error, track: usize, pts: Option<i64>, dts: Option<i64>) -> Error {
        let last = self.tracks[track].last_written;
        let refused = error.code() == ffi::AVERROR_EINVAL;
        let backwards = |(last, dts)| if self.container.allows_equal_times() { last > dts } else { last >= dts };
        let (name, detail) = match (pts, dts) {
            (_, Some(dts)) if refused && last.is_some_and(|last| backwards((last, dts))) => {
                let last = last.unwrap_or_default();
                let detail = format!(
                    "track {track}: decoding time {dts} does not follow {last}: packets go in in decoding order, each later than the one before"
                );
                ("dts", detail)
            }
            (Some(pts), Some(dts)) if refused && pts < dts => {
                ("pts", format!("track {track}: presentation time {pts} is before decoding time {dts}"))
            }
            _ => return self.location.name(error),
        };
        self.location.name(error.with_kind(ErrorKind::InvalidSetting { name: name.into() }).detail(detail))
    }
    /// Writes what is held back and the trailer, and closes the file (av_write_trailer, avio_closep).
    pub(crate) fn finish(mut self) -> Result<()> {
        let mut result = Ok(());
        for index in 0..self.tracks.len() {
            self.tracks[index].end();
            result = result.and(self.write_ready(index));
        }
        self.unfinished = false;
        let context = self.context.as_ptr();
        // SAFETY: the header was written, and self is used up.
        let trailer = check("av_write_trailer", || unsafe { ffi::av_write_trailer(context) });
        let closed = self.close();
        result.and(trailer.and(closed).map(drop).map_err(|error| self.location.name(error)))
    }
    /// Closes the file. What was still buffered is written now, so errors come now.
    fn close(&mut self) -> Result<i32> {
        if self.container.opens_files() {
            return Ok(0);
        }
        let context = self.context.as_ptr();
        // SAFETY: the writer is null or was opened by `open`; it is null afterwards.
        check("avio_closep", || unsafe { ffi::avio_closep(&mut (*context).pb) })
    }
}

fn not_created(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Io(io::ErrorKind::NotFound) => error.detail("it cannot be created: there is no such folder"),
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => error.detail("it cannot be created: permission denied"),
        _ => error,
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.unfinished {
            log::error!(
                "avsluice: {} was dropped without `finish`: it has no trailer and may not be playable",
                self.location
            );
        }
        if let Err(error) = self.close() {
            log::error!("avsluice: {error} ({})", self.location);
        }
        // SAFETY: self owns the context and is not used again; its writer is closed, or the format's own.
        unsafe { ffi::avformat_free_context(self.context.as_ptr()) }
    }
}

static_assertions::assert_impl_all!(Output: Send);
static_assertions::assert_not_impl_any!(Output: Sync, Clone);
