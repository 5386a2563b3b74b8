//! Presentation times for packets that have none: a bare H.264 or HEVC stream tells the order of its pictures, not their times.

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{RawPacket, avcodec::parameters::Parameters, check, out_of_memory},
};
use std::{
    collections::VecDeque,
    ffi::c_int,
    ptr::{self, NonNull},
};

/// Items in decoding order go in and come out, those out with the time at which they are shown: the nth picture that is
/// shown gets the nth time. An item waits until its place is certain, which takes as many others as the stream's pictures
/// may be out of order.
pub(super) struct Reorder<T> {
    delay: usize,
    waiting: VecDeque<(T, Option<i64>)>,
    /// How many have left `waiting`.
    left: usize,
    /// Picture order and place in the stream of those whose time is not yet known.
    unplaced: Vec<(i32, usize)>,
    times: VecDeque<i64>,
    last_placed: Option<i32>,
}

impl<T> Reorder<T> {
    pub(super) fn new(delay: usize) -> Self {
        let (waiting, unplaced, times) = Default::default();
        Reorder { delay, waiting, left: 0, unplaced, times, last_placed: None }
    }
    /// An item, its picture order count, and the time that an item at this place in the stream would have.
    pub(super) fn push(&mut self, item: T, order: i32, is_key: bool, time: i64) {
        // At an IDR picture counting starts again, and all before it is shown before it.
        let restart = is_key && self.unplaced.iter().any(|(earlier, _)| *earlier >= order);
        if restart || self.last_placed.is_some_and(|last| order <= last) {
            self.end();
        }
        self.unplaced.push((order, self.left + self.waiting.len()));
        self.waiting.push_back((item, None));
        self.times.push_back(time);
        while self.unplaced.len() > self.delay {
            self.place();
        }
    }
    /// Nothing more comes: what waits gets its time.
    pub(super) fn end(&mut self) {
        while !self.unplaced.is_empty() {
            self.place();
        }
        self.last_placed = None;
    }
    /// The next item in decoding order, if its time is known.
    pub(super) fn pop(&mut self) -> Option<(T, i64)> {
        let time = self.waiting.front()?.1?;
        self.left += 1;
        self.waiting.pop_front().map(|(item, _)| (item, time))
    }
    fn place(&mut self) {
        let first = self.unplaced.iter().enumerate().min_by_key(|(_, picture)| **picture);
        let Some((index, &(order, place))) = first else { return };
        self.unplaced.swap_remove(index);
        self.last_placed = Some(order);
        let time = self.times.pop_front();
        if let Some(slot) = self.waiting.get_mut(place - self.left) {
            slot.1 = time;
        }
    }
}

/// FFmpeg's parser of a codec, which reads the picture order out of a packet.
pub(super) struct PictureOrder {
    parser: NonNull<ffi::AVCodecParserContext>,
    context: NonNull<ffi::AVCodecContext>,
}

// SAFETY: neither structure has a thread affinity, and self is their one owner. It is not Sync.
unsafe impl Send for PictureOrder {}

/// libavcodec's macro, in a range of names that is not bound otherwise: each buffer is one whole packet.
const PARSER_FLAG_COMPLETE_FRAMES: c_int = 1;

/// av_parser_init takes the codec's id as an int, later as the enum that it is.
trait ParserId {
    fn of(id: ffi::AVCodecID) -> Self;
}
impl ParserId for c_int {
    fn of(id: ffi::AVCodecID) -> Self {
        id.0 as c_int
    }
}
impl ParserId for ffi::AVCodecID {
    fn of(id: ffi::AVCodecID) -> Self {
        id
    }
}

impl PictureOrder {
    /// Whether a parser tells the order of this codec's pictures.
    pub(super) fn is_known_for(codec: ffi::AVCodecID) -> bool {
        matches!(codec, ffi::AV_CODEC_ID_H264 | ffi::AV_CODEC_ID_HEVC)
    }
    pub(super) fn new(parameters: &Parameters) -> Result<Self> {
        // SAFETY: any id may be asked for; the result is null or ours.
        let parser = unsafe { ffi::av_parser_init(ParserId::of(parameters.codec_id())) };
        let parser = NonNull::new(parser).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "av_parser_init").detail(format!(
                "the packets have no times, and this FFmpeg has no parser for {}",
                parameters.codec_name()
            ))
        })?;
        // SAFETY: a context for no codec in particular; it is never opened.
        let Some(context) = NonNull::new(unsafe { ffi::avcodec_alloc_context3(ptr::null()) }) else {
            // SAFETY: the parser was made above and nobody else has it.
            unsafe { ffi::av_parser_close(parser.as_ptr()) };
            return Err(out_of_memory("avcodec_alloc_context3"));
        };
        let mut order = PictureOrder { parser, context };
        // SAFETY: both are live and ours.
        check("avcodec_parameters_to_context", || unsafe {
            ffi::avcodec_parameters_to_context(context.as_ptr(), parameters.as_ptr())
        })?;
        // SAFETY: the parser is live and ours.
        unsafe { order.parser.as_mut() }.flags |= PARSER_FLAG_COMPLETE_FRAMES;
        Ok(order)
    }
    /// The picture order count of the packet's picture.
    pub(super) fn of(&mut self, packet: &RawPacket) -> i32 {
        let (mut data, mut size) = (ptr::null_mut(), 0);
        let (from, none) = (packet.get(), ffi::AV_NOPTS_VALUE);
        // SAFETY: parser and context are live and of the same codec; the packet's data is padded, as FFmpeg keeps all of it. What
        // comes back points into that data and is not used.
        unsafe {
            let (parser, context) = (self.parser.as_ptr(), self.context.as_ptr());
            ffi::av_parser_parse2(parser, context, &mut data, &mut size, from.data, from.size, none, none, 0);
            self.parser.as_ref().output_picture_number
        }
    }
}

impl Drop for PictureOrder {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: self owns both and is not used again.
        unsafe {
            ffi::av_parser_close(self.parser.as_ptr());
            ffi::avcodec_free_context(&mut context);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each picture's time in decoding order, for (picture order, key) in decoding order.
    fn times(delay: usize, pictures: &[(i32, bool)]) -> Vec<i64> {
        let mut reorder = Reorder::new(delay);
        let mut out = Vec::new();
        for (index, &(order, is_key)) in pictures.iter().enumerate() {
            reorder.push(index, order, is_key, index as i64);
            out.extend(std::iter::from_fn(|| reorder.pop()));
        }
        reorder.end();
        out.extend(std::iter::from_fn(|| reorder.pop()));
        assert!(out.iter().map(|(index, _)| *index).eq(0..pictures.len()), "not in decoding order: {out:?}");
        out.into_iter().map(|(_, time)| time).collect()
    }

    #[test]
    fn a_b_picture_is_shown_before_the_p_that_it_needs() {
        // I P B P B
        assert_eq!(times(1, &[(0, true), (4, false), (2, false), (8, false), (6, false)]), [0, 2, 1, 4, 3]);
    }

    #[test]
    fn a_pyramid_of_b_pictures() {
        // I P B b b
        assert_eq!(times(2, &[(0, true), (8, false), (4, false), (2, false), (6, false)]), [0, 4, 2, 1, 3]);
    }

    #[test]
    fn an_idr_picture_starts_the_count_again() {
        let first = [(0, true), (4, false), (2, false)];
        assert_eq!(times(2, &[first, first, first].concat()), [0, 2, 1, 3, 5, 4, 6, 8, 7]);
        assert_eq!(times(2, &[(0, true), (0, true), (2, false), (0, true)]), [0, 1, 2, 3]);
    }

    #[test]
    fn a_key_picture_of_an_open_group_does_not() {
        // I P B, then I with B pictures before it
        let pictures = [(0, true), (4, false), (2, false), (10, true), (6, false), (8, false)];
        assert_eq!(times(2, &pictures), [0, 2, 1, 5, 3, 4]);
    }

    #[test]
    fn no_picture_is_shown_earlier_than_it_is_decoded_less_the_delay() {
        let mut seed = 1u32;
        for delay in 0..4 {
            let pictures: Vec<_> = (0..200)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    ((seed >> 24) as i32, seed >> 30 == 0)
                })
                .collect();
            let times = times(delay, &pictures);
            assert!(times.iter().enumerate().all(|(index, time)| *time >= index as i64 - delay as i64));
        }
    }
}
