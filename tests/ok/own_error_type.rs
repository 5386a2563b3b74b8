//! `?` on `Failed` where errors are the application's.
use avsluice::*;

struct AppError(String);
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        AppError(error.to_string())
    }
}
impl<T> From<Failed<T>> for AppError {
    fn from(failed: Failed<T>) -> Self {
        failed.into_error().into()
    }
}
fn case<'d>(encoder: &mut Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) -> Result<(), AppError> {
    for packet in encoder.send(frame)? {
        let _ = packet?.pts();
    }
    Ok(())
}

fn main() {}
