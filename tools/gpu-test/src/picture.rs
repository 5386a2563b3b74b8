//! Comparing pictures bit by bit, and by their signal-to-noise ratio where an encoder loses something.

use anyhow::{Result, bail, ensure};
use avsluice::{Format, Frame, PixelFormat, System};
use media::{Picture, Plane};

/// Whether the checks can run on a stream of such pictures: NVENC's and NVDEC's common ground is 8-bit 4:2:0.
pub fn supported(frame: &Frame<System>) -> Result<()> {
    match frame.format().pixels {
        PixelFormat::Yuv420p | PixelFormat::Yuvj420p | PixelFormat::Nv12 => Ok(()),
        other => bail!("unsupported: the video is {other}, and the checks need 8-bit 4:2:0 (yuv420p)"),
    }
}

/// The MD5 of the visible picture as NV12.
pub fn md5(frame: &Frame<System>) -> Result<String> {
    supported(frame)?;
    let Format { width, height, pixels } = frame.format();
    let (width, height) = (width as usize, height as usize);
    let rows = [0, 1, 2].map(|index| frame.plane(index).lines().flatten().copied().collect::<Vec<u8>>());
    let plane = |index: usize| Plane { data: &rows[index], pitch: frame.plane(index).row_bytes };
    let picture = match pixels {
        PixelFormat::Nv12 => Picture::Nv12 { width, height, luma: plane(0), chroma: plane(1) },
        _ => Picture::Yuv420p { width, height, y: plane(0), u: plane(1), v: plane(2) },
    };
    Ok(picture.md5())
}

/// Peak signal-to-noise ratio of the luma, in dB; infinite for equal pictures.
pub fn luma_psnr(a: &Frame<System>, b: &Frame<System>) -> Result<f64> {
    let (a, b) = (a.plane(0), b.plane(0));
    ensure!((a.row_bytes, a.rows) == (b.row_bytes, b.rows), "the pictures have different sizes");
    let squares: f64 = a
        .lines()
        .zip(b.lines())
        .flat_map(|(a, b)| a.iter().zip(b).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2)))
        .sum();
    Ok(10.0 * (255.0 * 255.0 * (a.row_bytes * a.rows) as f64 / squares).log10())
}

/// A moving test picture: every sample depends on its place and on the frame's number.
pub fn paint(frame: &mut Frame<System>, number: usize) -> Result<()> {
    for index in 0..2 {
        let Some(plane) = frame.plane_mut(index) else { bail!("the frame has no plane {index} to write to") };
        for (y, line) in plane.lines_mut().enumerate() {
            for (x, sample) in line.iter_mut().enumerate() {
                *sample = (x * 3 + y * 5 + number * 7 + index * 64) as u8;
            }
        }
    }
    frame.set_pts(number as i64);
    Ok(())
}
