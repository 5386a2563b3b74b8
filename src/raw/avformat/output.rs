//! AVFormatContext of a file that is written.

mod limits;
mod reorder;
mod setup;
mod track;

pub(crate) use setup::{Container, TrackSetup};

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{
        RawPacket,
        avcodec::bsf::BsfContext,
        avformat::{
            avio::{AppBytes, AvioContext},
            in_use::Claim,
            interrupt_callback::InterruptCallback,
            url::Url,
        },
        avutil::dictionary::Dictionary,
        check,
        log::Capture,
        out_of_memory,
    },
    types::{setting::Setting, time::Ratio, track_report::TrackReport},
};
use std::{
    io,
    ptr::{self, NonNull},
    sync::Arc,
};
use track::Track;

/// What is written, and how.
pub(crate) struct OutputSetup<'a> {
    pub(crate) container: Container,
    pub(crate) url: &'a Url,
    pub(crate) tracks: &'a [TrackSetup],
    /// Options of the format and the protocol.
    pub(crate) options: &'a [Setting],
    pub(crate) interrupt_callback: Arc<InterruptCallback>,
}

/// An AVFormatContext that writes: its header is written in `open`, its trailer in `finish`.
pub(crate) struct Output {
    context: NonNull<ffi::AVFormatContext>,
    container: Container,
    url: Url,
    /// What FFmpeg writes through and asks, for as long as the context lives.
    app_bytes: Option<AvioContext>,
    interrupt_callback: Arc<InterruptCallback>,
    tracks: Vec<Track>,
    /// The header was written, the trailer not.
    unfinished: bool,
    /// No other muxer of this process may open the file.
    claim: Option<Claim>,
    /// The file was not there before.
    is_new: bool,
}

// SAFETY: an AVFormatContext has no thread affinity, and self is its one owner. It is not Sync.
unsafe impl Send for Output {}

impl Output {
    /// Creates the file and writes its header (avio_open2, avformat_write_header). What fails leaves nothing open, and the application's
    /// writer where it was.
    pub(crate) fn open(setup: &OutputSetup<'_>, writer: &mut Option<AppBytes>) -> Result<Self> {
        let app_bytes = match writer.take().map(|app_bytes| app_bytes.open(&setup.interrupt_callback)).transpose() {
            Ok(app_bytes) => app_bytes,
            Err((error, app_bytes)) => {
                *writer = Some(app_bytes);
                return Err(error);
            }
        };
        let mut output = match Output::allocate(setup) {
            Ok(output) => output,
            Err(error) => {
                *writer = app_bytes.map(AvioContext::into_bytes);
                return Err(error);
            }
        };
        output.app_bytes = app_bytes;
        match output.begin(setup) {
            Ok(()) => Ok(output),
            Err(error) => {
                let error = setup.url.name(output.explain(error));
                *writer = output.take_writer();
                let (claim, is_new) = (output.claim.take(), output.is_new);
                drop(output);
                // Until it is removed, no other muxer may take the file for its own.
                claim.iter().filter(|_| is_new).for_each(|claim| claim.remove(setup.url));
                Err(error)
            }
        }
    }
    fn allocate(setup: &OutputSetup<'_>) -> Result<Self> {
        let OutputSetup { container, url, .. } = *setup;
        let mut context = ptr::null_mut();
        // SAFETY: the context is allocated by the call; the format is static, the URL terminated.
        check("avformat_alloc_output_context2", || unsafe {
            let format = container.get();
            ffi::avformat_alloc_output_context2(&mut context, format, ptr::null(), url.as_c_str().as_ptr())
        })?;
        let context = NonNull::new(context).ok_or_else(|| out_of_memory("avformat_alloc_output_context2"))?;
        let (url, interrupt_callback) = (url.clone(), Arc::clone(&setup.interrupt_callback));
        Ok(Output {
            context,
            container,
            url,
            app_bytes: None,
            interrupt_callback,
            tracks: Vec::new(),
            unfinished: false,
            claim: None,
            is_new: false,
        })
    }
    fn begin(&mut self, setup: &OutputSetup<'_>) -> Result<()> {
        let (context, container, interrupt_callback) =
            (self.context, self.container, Arc::clone(&self.interrupt_callback));
        for track in setup.tracks {
            // SAFETY: the context is live and has no header yet; the stream is the context's.
            let stream = unsafe { ffi::avformat_new_stream(context.as_ptr(), ptr::null()).as_mut() };
            track.write_to(stream.ok_or_else(|| out_of_memory("avformat_new_stream"))?, container)?;
        }
        // The parameter sets before each keyframe, unless they are there.
        let filters = setup.tracks.iter().map(|track| {
            let headers = || BsfContext::new("dump_extra", &track.parameters, Ratio::default());
            track.needs_headers(container).then(headers).transpose()
        });
        let filters: Vec<_> = filters.collect::<Result<_>>()?;
        let mut options = Dictionary::new(setup.options)?;
        // SAFETY: the context is live and nothing is open; what both fields refer to lives as long, in this struct.
        unsafe {
            (*context.as_ptr()).interrupt_callback = interrupt_callback.callback();
            if let Some(app_bytes) = &self.app_bytes {
                (*context.as_ptr()).pb = app_bytes.as_ptr();
                (*context.as_ptr()).flags |= ffi::AVFMT_FLAG_CUSTOM_IO;
            }
        }
        self.claim = Claim::writing(&self.url)?;
        if !container.opens_files() && self.app_bytes.is_none() {
            let (url, asks) = (self.url.as_c_str().as_ptr(), interrupt_callback.callback());
            // SAFETY: the context is live, and its writer still null; the URL is terminated; FFmpeg copies the callback.
            let open = || unsafe {
                let writer = &mut (*context.as_ptr()).pb;
                ffi::avio_open2(writer, url, ffi::AVIO_FLAG_WRITE, &asks, options.as_mut_ptr())
            };
            let is_new = self.url.local_file().is_some_and(|path| std::fs::symlink_metadata(path).is_err());
            check("avio_open2", || interrupt_callback.during(open)).map_err(not_created)?;
            self.is_new = is_new;
            self.claim.iter().for_each(|claim| claim.exists(&self.url));
        }
        // SAFETY: the context is live; its writer is null or open.
        let writer = unsafe { (*context.as_ptr()).pb.as_ref() };
        limits::check_packet_size(container, writer)?;
        // SAFETY: the context has its streams and, unless the format opens files itself, its writer; the options are ours.
        let header = || unsafe { ffi::avformat_write_header(context.as_ptr(), options.as_mut_ptr()) };
        check("avformat_write_header", || interrupt_callback.during(header))
            .map_err(|error| TrackSetup::blamed(setup.tracks, error))?;
        let known = [container.get().priv_class, general_class(), self.url.protocol_class()];
        options.refuse_rest("avformat_write_header", &known)?;
        self.unfinished = true;
        for (index, (track, headers)) in setup.tracks.iter().zip(filters).enumerate() {
            // SAFETY: the context is live and has one stream for each set-up.
            let time_base = unsafe { (**(*context.as_ptr()).streams.add(index)).time_base };
            self.tracks.push(Track::new(track, time_base.into(), container, headers));
        }
        Ok(())
    }
    /// The error of a call that failed: the reason that FFmpeg has no code for, where there is one.
    fn explain(&mut self, error: Error) -> Error {
        let error = self.interrupt_callback.explain(error);
        match &mut self.app_bytes {
            Some(app_bytes) if !self.interrupt_callback.has_ended() => app_bytes.explain(error),
            _ => error,
        }
    }
    /// The application's writer, which nothing is written to any more.
    fn take_writer(&mut self) -> Option<AppBytes> {
        // SAFETY: the context is live; the writer is the application's where there is one, and FFmpeg goes without from here on.
        unsafe {
            if self.app_bytes.is_some() {
                (*self.context.as_ptr()).pb = ptr::null_mut();
            }
        }
        self.app_bytes.take().map(AvioContext::into_bytes)
    }
    /// Writes a packet, with its times rescaled to the track's and what it lacks added (av_interleaved_write_frame).
    pub(crate) fn write(&mut self, index: usize, packet: RawPacket) -> Result<()> {
        let Some(track) = self.tracks.get_mut(index) else {
            return Err(Error::invalid("track", format!("{} has no track {index}", self.url)));
        };
        let origin = packet.facts().origin;
        if !track.origin.takes(origin) {
            let error = Error::wrong_stream(track.origin.why_not(origin, format_args!("track {index}")));
            return Err(self.url.name(error));
        }
        track.push(packet).map_err(|error| self.url.name(error))?;
        self.write_ready(index)
    }
    fn write_ready(&mut self, index: usize) -> Result<()> {
        while let Some(mut packet) = self.tracks[index].pop().map_err(|error| self.url.name(error))? {
            packet.set_stream_index(index);
            packet.get_mut().pos = -1;
            if let Some(said) = self.tracks[index].mend(&mut packet) {
                crate::error::guard::say!(Warn, "{}: track {index}: {said}", self.url);
            }
            self.tracks[index].lengthen(&mut packet).map_err(|error| self.url.name(error))?;
            let (pts, dts) = (packet.pts(), packet.dts());
            let (context, packet) = (self.context.as_ptr(), packet.as_ptr());
            // SAFETY: the header is written and the trailer not, for `finish` takes self; each track has its stream; the packet
            // is ours, and FFmpeg empties it.
            let write = || unsafe { ffi::av_interleaved_write_frame(context, packet) };
            let written = check("av_interleaved_write_frame", || self.interrupt_callback.during(write));
            written.map_err(|error| {
                let error = self.explain(error);
                self.not_written(error, index, pts, dts)
            })?;
            self.tracks[index].last_written = dts;
            self.tracks[index].written += 1;
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
            _ => return self.url.name(error),
        };
        self.url.name(error.with_kind(ErrorKind::InvalidSetting { name: name.into() }).detail(detail))
    }
    /// Hands on what is buffered (avio_flush).
    pub(crate) fn flush(&mut self) -> Result<()> {
        let context = self.context.as_ptr();
        let flushed = match &mut self.app_bytes {
            Some(app_bytes) => app_bytes.flush(),
            // SAFETY: the context is live; its writer is null where the format opens files itself.
            None => check("avio_flush", || unsafe {
                let Some(writer) = (*context).pb.as_mut() else { return 0 };
                self.interrupt_callback.during(|| ffi::avio_flush(writer));
                writer.error
            })
            .map(drop),
        };
        flushed.map_err(|error| {
            let error = self.explain(error);
            self.url.name(error)
        })
    }
    /// What was written to each track so far.
    pub(crate) fn report(&self) -> Vec<TrackReport> {
        self.tracks.iter().map(Track::report).collect()
    }
    /// Writes what is held back and the trailer, and closes the file (av_write_trailer, avio_closep). The application's writer is
    /// flushed and comes back.
    pub(crate) fn finish(mut self) -> Result<(Option<AppBytes>, Vec<TrackReport>)> {
        let mut result = Ok(());
        for index in 0..self.tracks.len() {
            self.tracks[index].end();
            result = result.and(self.write_ready(index));
        }
        self.unfinished = false;
        let context = self.context.as_ptr();
        // SAFETY: the header was written, and self is used up.
        let end = || unsafe { ffi::av_write_trailer(context) };
        let is_empty = self.tracks.iter().all(|track| track.written == 0);
        let trailer = match self.can_end() {
            true => check("av_write_trailer", || self.interrupt_callback.during(end)),
            false => {
                let detail = "nothing was written to track 0, from which dash has its length";
                Err(Error::new(ErrorKind::NoPackets, "finish").detail(detail))
            }
        };
        let closed = self.close();
        let ended = trailer.map(drop).and(closed).map_err(|error| {
            let error = self.explain(error);
            self.url.name(error)
        });
        result.and(ended)?;
        if is_empty {
            let detail = "no packet was written to it: it has nothing to play";
            return Err(self.url.error(ErrorKind::NoPackets, "finish", detail));
        }
        Ok((self.take_writer(), self.report()))
    }
    /// Whether the trailer can be written: dash takes its length from the first track, which must have one.
    fn can_end(&mut self) -> bool {
        if self.container.name() != "dash" {
            return true;
        }
        let context = self.context.as_ptr();
        // SAFETY: the header is written and the trailer not; no packet is "what waits for packets of other tracks". A
        // filter of FFmpeg's may have kept a packet back all the same, so that only the count of the stream tells.
        let flush = || unsafe { ffi::av_interleaved_write_frame(context, ptr::null_mut()) };
        // An error of it comes again from the trailer. The application's logger gets the lines when the call is over.
        let lines = Capture::start();
        self.interrupt_callback.during(flush);
        drop(lines);
        // SAFETY: the context is live, and has a stream for each track: one at least, or there is no header.
        unsafe { (**(*context).streams).nb_frames > 0 }
    }
    /// Closes the file. What was still buffered is written now, so errors come now.
    fn close(&mut self) -> Result<()> {
        if let Some(app_bytes) = &mut self.app_bytes {
            return app_bytes.flush();
        }
        if self.container.opens_files() {
            return Ok(());
        }
        let context = self.context.as_ptr();
        // SAFETY: the writer is null or was opened by `begin`; it is null afterwards.
        check("avio_closep", || self.interrupt_callback.during(|| unsafe { ffi::avio_closep(&mut (*context).pb) }))
            .map(drop)
    }
}

/// Of options that every format has.
fn general_class() -> *const ffi::AVClass {
    // SAFETY: it has no preconditions; the result is static.
    unsafe { ffi::avformat_get_class() }
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
            crate::error::guard::say!(
                Error,
                "{} was dropped without `finish`: it has no trailer and may not be playable",
                self.url
            );
        }
        if let Err(error) = self.close() {
            crate::error::guard::say!(Error, "{error} ({})", self.url);
        }
        let _lines = Capture::start();
        // SAFETY: self owns the context and is not used again; its writer is closed, the format's own, or the application's, which goes
        // after it.
        unsafe { ffi::avformat_free_context(self.context.as_ptr()) }
    }
}

static_assertions::assert_impl_all!(Output: Send);
static_assertions::assert_not_impl_any!(Output: Sync, Clone);
