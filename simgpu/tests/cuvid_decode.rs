//! `cuvidDecodePicture` called by hand, with the picture parameters that FFmpeg's nvdec fills.

mod common;
mod h264;
mod nvcuvid;

use common::cuda;
use h264::{FRAMES, Kind, Parameters, Pic, Stream};
use nvcuvid::{Cuvid, Fields, create_info};

const SIDE: u64 = h264::SIDE as u64;
const PARAMETERS: Parameters =
    Parameters { num_ref_idx: (1, 1), weighted_pred: false, weighted_bipred: 0, qp: 0, bottom_delta: false };

/// CUVIDPICPARAMS of a frame of `FRAMES` and `PARAMETERS`; `references` are the picture indices in the DPB.
fn parameters(index: i32, slices: &[u8], references: &[i32]) -> Fields<4280> {
    let h264 = 184;
    let mut params = Fields::<4280>::new()
        .with(0, 4)
        .with(4, 4)
        .with(8, index)
        .with(24, slices.len() as u32)
        .with(32, slices.as_ptr() as usize)
        .with(h264 + 8, 2) // log2_max_pic_order_cnt_lsb_minus4
        .with(h264 + 16, 1) // frame_mbs_only_flag
        .with(h264 + 20, 1) // direct_8x8_inference_flag
        .with(h264 + 24, 4) // num_ref_frames
        .with(h264 + 40, 1)
        .with(h264 + 44, 1)
        .with(h264 + 60, 1); // deblocking_filter_control_present_flag
    for entry in 0..16 {
        let at = h264 + 104 + 28 * entry;
        let reference = references.get(entry).copied();
        params = params.with(at, reference.unwrap_or(-1)).with(at + 16, if reference.is_some() { 3 } else { 0 });
    }
    params.0[h264 + 552..h264 + 776].fill(16);
    params
}

/// The slices of pictures, each in a buffer of its own; parameter sets are left out, as FFmpeg leaves them out.
fn slices(stream: &mut Stream, pic: &Pic) -> Vec<u8> {
    stream.bytes.clear();
    stream.push(pic);
    std::mem::take(&mut stream.bytes)
}

fn decode(cuvid: &Cuvid, decoder: usize, index: i32, slices: &[u8], references: &[i32]) {
    let mut params = parameters(index, slices, references);
    assert_eq!(cuvid.decode(decoder, params.0.as_mut_ptr().cast()), 0);
    let mut status = Fields::new();
    assert_eq!((cuvid.status(decoder, index, &mut status), status.u32(0)), (0, 2), "decoded without an error");
}

/// The mapped frame's bytes.
fn picture(cuda: &cuda::Cuda, cuvid: &Cuvid, decoder: usize, index: i32) -> Vec<u8> {
    let (mut pointer, mut pitch) = (0, 0);
    assert_eq!(cuvid.map(decoder, index, &mut pointer, &mut pitch, &Fields::new().with(0, 1)), 0);
    let mut bytes = vec![0; pitch as usize * 96];
    assert_eq!(cuda.to_host(bytes.as_mut_ptr().cast(), pointer, bytes.len()), 0);
    assert_eq!(cuvid.unmap(decoder, pointer), 0);
    bytes
}

fn decoder(cuvid: &Cuvid) -> usize {
    let mut decoder = 0;
    assert_eq!(cuvid.create(&mut decoder, &create_info(SIDE, SIDE, 8, 2)), 0);
    decoder
}

#[test]
fn after_a_seek_no_picture_from_before_is_a_reference() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let context = cuda.context();
    let mut stream = Stream::new(FRAMES, &[PARAMETERS]);
    let before = [
        slices(&mut stream, &Pic::idr()),
        slices(&mut stream, &Pic::new(Kind::P, 1, 13)),
        slices(&mut stream, &Pic::new(Kind::P, 2, 15)),
    ];
    // An I picture to seek to, whose order count is just below those of the pictures before.
    let after = [
        slices(&mut stream, &Pic::new(Kind::I, 3, 12)),
        slices(&mut stream, &Pic::new(Kind::P, 4, 16)),
        slices(&mut stream, &Pic::new(Kind::B, 5, 14)),
    ];
    let play_after = |decoder| {
        decode(&cuvid, decoder, 3, &after[0], &[]);
        decode(&cuvid, decoder, 4, &after[1], &[3]);
        decode(&cuvid, decoder, 5, &after[2], &[4, 3]);
        [3, 4, 5].map(|index| picture(&cuda, &cuvid, decoder, index))
    };
    let (fresh, sought) = (decoder(&cuvid), decoder(&cuvid));
    decode(&cuvid, sought, 0, &before[0], &[]);
    decode(&cuvid, sought, 1, &before[1], &[0]);
    decode(&cuvid, sought, 2, &before[2], &[1, 0]);
    let (expected, got) = (play_after(fresh), play_after(sought));
    for (at, (expected, got)) in expected.iter().zip(&got).enumerate() {
        assert!(expected == got, "picture {at} after the seek was made from one before it");
    }
    [fresh, sought].into_iter().for_each(|decoder| assert_eq!(cuvid.destroy(decoder), 0));
    drop(context);
    assert!(gpu.ledger().is_empty() && gpu.ledger().violations.is_empty(), "{}", gpu.ledger());
}

#[test]
fn surfaces_are_used_again_when_their_pictures_are_no_references() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let decoder = decoder(&cuvid);
    let mut stream = Stream::new(FRAMES, &[PARAMETERS]);
    decode(&cuvid, decoder, 0, &slices(&mut stream, &Pic::idr()), &[]);
    let mut seen = vec![picture(&cuda, &cuvid, decoder, 0)];
    for at in 1..40 {
        let references: Vec<i32> = (1..=4.min(at)).map(|back| (at - back) % 5).collect();
        let slices = slices(&mut stream, &Pic::new(Kind::P, at as u32, 2 * at));
        decode(&cuvid, decoder, at % 5, &slices, &references);
        seen.push(picture(&cuda, &cuvid, decoder, at % 5));
        assert!(seen[at as usize] != seen[at as usize - 1], "picture {at}");
    }
    assert_eq!(gpu.ledger().violations, [""; 0]);
    assert_eq!(gpu.ledger().decoders[0].pictures, 40);
    assert_eq!(cuvid.destroy(decoder), 0);
}
