mod support;
#[path = "files/tools.rs"] mod tools;
use avsluice::*;
use support::*;
fn run(path: &std::path::Path, out: &std::path::Path) -> Result<u32> {
    let (mut file, video) = open(path)?;
    let mut n = 0;
    // copy
    for ext in ["mp4","mkv","avi","h264","ts"] {
        let (mut f2, v2) = open(path)?;
        if let Ok(mut m) = Muxer::create(out.join(format!("c.{ext}"))) {
            if let Ok(t) = m.add_copy(&v2) { if let Ok(mut m) = m.open() {
                for p in f2.packets(&v2).take(60) { if let Ok(p) = p { let _ = m.write(t, p); } }
                let _ = m.finish();
            }}
        }
    }
    let _ = (video.duration(), video.frame_rate(), video.time_base().seconds(i64::MAX), format!("{video:?} {video}"));
    let mut decoder = Decoder::new(System, &video).threads(2).open().map_err(Failed::into_error)?;
    let mut enc: Option<(Encoder<'static, System>, Muxer, Track)> = None;
    for p in file.packets(&video).take(80) {
        let Ok(p) = p else { continue };
        let Ok(ready) = decoder.send(p) else { continue };
        for f in ready {
            let Ok(f) = f else { continue };
            n += 1;
            for i in 0..4 { let p = f.plane(i); let s: u64 = p.lines().flatten().map(|&b| b as u64).sum(); std::hint::black_box(s); }
            if enc.is_none() {
                if let Ok(e) = Encoder::new(&f.pool(), video.time_base(), mpeg4::Mpeg4::new()).frame_rate(25,1).threads(1).open() {
                    let mut m = Muxer::create(out.join("o.mp4"))?;
                    let t = m.add(&e)?;
                    if let Ok(m) = m.open() { enc = Some((e, m, t)); }
                }
            }
            if let Some((e, m, t)) = &mut enc {
                if let Ok(r) = e.send(f) { for p in r { if let Ok(p) = p { let _ = m.write(*t, p); } } }
            }
        }
    }
    if let Ok(f) = decoder.flush() { let _ = f.finish(Limit::default(), |_| { n += 1; Ok(()) }); }
    if let Some((e, mut m, t)) = enc {
        if let Ok(f) = e.flush() { let _ = f.finish(Limit::default(), |p| { let _ = m.write(t, p); Ok(()) }); }
        let _ = m.finish();
    }
    Ok(n)
}
#[test]
fn scratch() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = vec![tools::short_stream(), tools::bare_stream()];
    for ext in ["mp4","mkv","avi","ts","mov"] {
        files.push(tools::sound_and_picture(dir.path(), &format!("s.{ext}")));
        let r = dir.path().join(format!("r.{ext}")); if tools::remux(&tools::bare_stream(), &r).is_ok() { files.push(r); }
    }
    let mut seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1u64);
    let mut rnd = move || { seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17; seed };
    let end = std::time::Instant::now() + std::time::Duration::from_secs(150);
    let (mut runs, mut ok, mut panics) = (0, 0, 0);
    while std::time::Instant::now() < end {
        let f = &files[rnd() as usize % files.len()];
        let mut b = std::fs::read(f).unwrap();
        let region = if rnd() % 2 == 0 { b.len() } else { b.len().min(2000) };
        let tail = rnd() % 3 == 0;
        for _ in 0..1 + rnd() % 20 {
            let mut at = rnd() as usize % region; if tail { at = b.len() - 1 - at; }
            if rnd() % 3 == 0 { for k in 0..8 { if at + k < b.len() { b[at+k] = [0xff,0x7f,0,0x80][(rnd()%4) as usize]; } } } else { b[at] = rnd() as u8; }
        }
        let p = dir.path().join("x").with_extension(f.extension().unwrap());
        std::fs::write(&p, &b).unwrap();
        runs += 1;
        match std::panic::catch_unwind(|| run(&p, dir.path())) {
            Ok(Ok(n)) => if n > 0 { ok += 1 },
            Ok(Err(_)) => {}
            Err(_) => { panics += 1; std::fs::copy(&p, format!("/tmp/w/review-panic-{panics}.{}", p.extension().unwrap().to_str().unwrap())).unwrap(); }
        }
    }
    eprintln!("runs {runs} ok {ok} panics {panics}");
}
