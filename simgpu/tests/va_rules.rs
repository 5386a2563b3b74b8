//! The SIMULATED VA-API driver's own rules, through libva: what it is, what it counts, and what it takes for a mistake.

mod common;
mod va;

use simgpu::{Config, Fault, Ledger};
use std::ptr;
use va::{I420, Id, Image, NV12, Va, YV12, with_driver};

const CODED: u32 = 21;
const SEQUENCE: u32 = 22;
const ODD: [u32; 2] = [33, 17];

fn clean(ledger: Ledger) {
    assert!(ledger.is_empty(), "{ledger}");
    assert_eq!(ledger.violations, [""; 0]);
}

#[test]
fn libva_takes_the_driver() {
    with_driver(
        "libva_takes_the_driver",
        |driver| {
            let va = Va::open();
            assert!(va.vendor().contains("SIMULATED"), "{}", va.vendor());
            let mut config = 0;
            // HEVC: as on a GPU without it.
            assert_eq!(va.create_config(17, 1, ptr::null(), 0, &mut config), 0x0c);
            assert_eq!(va.create_config(7, 5, ptr::null(), 0, &mut config), 0x0d);
            assert_eq!(va.create_config(7, 1, ptr::null(), 0, &mut config), 0);
            assert_eq!(driver.ledger().live["va_config"], 1);
            assert_eq!((va.destroy_config(config), va.terminate()), (0, 0));
        },
        clean,
    );
}

/// A mistake, which has a result that nobody asks for.
fn done<T>(_: T) {}

/// Each mistake in a display of its own, and a part of what the driver says of it.
fn mistakes() -> Vec<(fn(&Va), &'static str)> {
    vec![
        (|va| done(va.sync_surface(7)), "0x7 is no va_surface"),
        (
            |va| {
                let surface = va.surface(64, 64);
                va.destroy_surfaces(&surface, 1);
                assert_eq!(va.destroy_surfaces(&surface, 1), 6, "VA_STATUS_ERROR_INVALID_SURFACE");
            },
            "was destroyed before",
        ),
        (
            |va| {
                let other = Va::open();
                let surface = other.surface(64, 64);
                va.sync_surface(surface);
                other.destroy_surfaces(&surface, 1);
                other.terminate();
            },
            "is another display's",
        ),
        (|va| done(va.surface(64, 64)), "vaTerminate: 1 objects are left: va_surface"),
        (
            |va| {
                let surface = va.surface(64, 64);
                va.derived(surface);
                va.destroy_surfaces(&surface, 1);
            },
            "an image derived from surface",
        ),
        (|va| done(va.destroy_surfaces(&va.context().1, 1)), "belongs to the live context"),
        (
            |va| {
                let image = va.image(NV12, 64, 64);
                va.destroy_buffer(image.buffer);
            },
            "belongs to image",
        ),
        (
            |va| {
                let image = va.image(NV12, 64, 64);
                va.map_buffer(image.buffer, &mut ptr::null_mut());
                va.destroy_image(image.id);
            },
            "is mapped",
        ),
        (|va| done(va.unmap_buffer(va.image(NV12, 64, 64).buffer)), "is not mapped"),
        (
            |va| {
                let buffer = va.buffer(va.context().0, SEQUENCE);
                va.map_buffer(buffer, &mut ptr::null_mut());
                va.destroy_buffer(buffer);
            },
            "vaDestroyBuffer: buffer",
        ),
        (
            |va| {
                let buffer = va.buffer(va.context().0, CODED);
                va.map_buffer(buffer, &mut ptr::null_mut());
            },
            "nothing was coded into buffer",
        ),
        (
            |va| {
                let (context, surface) = va.context();
                va.begin(context, surface);
                va.begin(context, surface);
            },
            "the picture before was not ended",
        ),
        (
            |va| {
                let (context, surface) = va.context();
                va.begin(context, surface);
                va.destroy_context(context);
            },
            "was begun in context",
        ),
        (
            |va| {
                let (context, _) = va.context();
                let buffer = va.buffer(context, SEQUENCE);
                va.render(context, &buffer, 1);
            },
            "vaRenderPicture: no picture was begun",
        ),
    ]
}

#[test]
fn each_mistake_is_seen() {
    with_driver(
        "each_mistake_is_seen",
        |driver| {
            for (mistake, text) in mistakes() {
                driver.reset_counters();
                let va = Va::open();
                mistake(&va);
                va.terminate();
                let violations = driver.ledger().violations;
                assert!(violations.iter().any(|line| line.contains(text)), "{text}: {violations:?}");
                assert!(driver.ledger().is_empty(), "a display takes all that is left with it: {}", driver.ledger());
            }
        },
        |_| {},
    );
}

/// The visible samples of an image: offset of each row, and its length.
fn rows(image: &Image) -> Vec<(usize, usize)> {
    let (width, height) = (usize::from(image.width), usize::from(image.height));
    let chroma = if image.planes == 2 { width.div_ceil(2) * 2 } else { width.div_ceil(2) };
    let plane = |plane: usize| {
        let (length, count) = if plane == 0 { (width, height) } else { (chroma, height.div_ceil(2)) };
        let (offset, pitch) = (image.offsets[plane] as usize, image.pitches[plane] as usize);
        (0..count).map(move |row| (offset + row * pitch, length))
    };
    (0..image.planes as usize).flat_map(plane).collect()
}

/// Maps an image, and writes or reads its samples.
fn samples(va: &Va, image: &Image, write: Option<u8>) -> Vec<u8> {
    let mut start = ptr::null_mut();
    assert_eq!(va.map_buffer(image.buffer, &mut start), 0);
    // SAFETY: the driver has mapped `data_size` bytes there until they are unmapped.
    let memory = unsafe { std::slice::from_raw_parts_mut(start, image.data_size as usize) };
    let mut bytes = Vec::new();
    for (index, (offset, length)) in rows(image).into_iter().enumerate() {
        let row = &mut memory[offset..offset + length];
        if let Some(seed) = write {
            row.iter_mut().enumerate().for_each(|(x, sample)| *sample = (x * 3 + index * 7) as u8 ^ seed);
        }
        bytes.extend_from_slice(row);
    }
    assert_eq!(va.unmap_buffer(image.buffer), 0);
    bytes
}

#[test]
fn pictures_go_in_and_out_of_odd_sizes_in_every_format() {
    with_driver(
        "pictures_go_in_and_out_of_odd_sizes_in_every_format",
        |driver| {
            let va = Va::open();
            let [width, height] = ODD;
            let payload = u64::from(width * height + 2 * width.div_ceil(2) * height.div_ceil(2));
            for (seed, format) in [NV12, YV12, I420].into_iter().enumerate() {
                let surface = va.surface(width, height);
                driver.reset_counters();
                let (up, down) = (va.image(format, 33, 17), va.image(format, 33, 17));
                let written = samples(&va, &up, Some(seed as u8));
                assert_eq!(va.put_image(surface, up.id, 0, 0, width, height, 0, 0, width, height), 0);
                assert_eq!(va.get_image(surface, 0, 0, width, height, down.id), 0);
                assert_eq!(samples(&va, &down, None), written);
                let bytes = driver.ledger().bytes;
                assert_eq!((bytes.host_to_device, bytes.device_to_host), (payload, payload));

                // The surface's own memory: changed, it counts as an upload, else as a download.
                let own = va.derived(surface);
                let changed = samples(&va, &own, Some(0x40 + seed as u8));
                assert_eq!(driver.ledger().bytes.host_to_device, 2 * payload);
                assert_eq!(samples(&va, &own, None), changed);
                assert_eq!(driver.ledger().bytes.device_to_host, 2 * payload);
                assert_eq!(va.get_image(surface, 1, 0, width, height, down.id), 0x12, "a part is refused");
                for image in [up, down, own] {
                    assert_eq!(va.destroy_image(image.id), 0);
                }
                assert_eq!(va.destroy_surfaces(&surface, 1), 0);
            }
            assert_eq!(va.terminate(), 0);
        },
        clean,
    );
}

#[test]
fn memory_ends_and_faults_hit_by_name_or_by_its_beginning() {
    with_driver(
        "memory_ends_and_faults_hit_by_name_or_by_its_beginning",
        |driver| {
            let va = Va::open();
            let mut ids: [Id; 4] = [0; 4];
            driver.configure(Config { device_memory: 100_000, ..Config::default() });
            let create =
                |ids: &mut [Id]| va.create_surfaces(1, 160, 96, ids.as_mut_ptr(), ids.len() as u32, ptr::null(), 0);
            assert_eq!(create(&mut ids), 2, "VA_STATUS_ERROR_ALLOCATION_FAILED");
            assert_eq!(driver.ledger().device_bytes_live, 0, "all or none");
            assert_eq!(create(&mut ids[..2]), 0);
            assert!(driver.ledger().device_bytes_live > 0);

            let fault = |function: &str, nth, sticky| Fault { function: function.into(), nth, status: 1, sticky };
            driver.fail(fault("vaSyncSurface", 2, false));
            assert_eq!([0, 1, 0].map(|_| va.sync_surface(ids[0])), [0, 1, 0]);
            driver.clear_faults();
            driver.fail(fault("va*", 2, true));
            assert_eq!(
                [va.sync_surface(ids[0]), va.sync_surface(ids[0]), va.destroy_surfaces(ids.as_ptr(), 2)],
                [0, 1, 1]
            );
            driver.clear_faults();
            assert_eq!(driver.ledger().live["va_surface"], 2, "what fails does nothing");
            assert_eq!((va.destroy_surfaces(ids.as_ptr(), 2), va.terminate()), (0, 0));
        },
        clean,
    );
}
