//! Photos as they leave the device: what is read from them, and that nothing of it stays in the file.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use sokiem_client_core::{
    Error,
    attachments::{Facts, prepare},
};
use sokiem_record::media::{self, MediaType, NotAllowed};

/// A picture whose four corners can be told apart.
fn corners(width: u32, height: u32) -> DynamicImage {
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| {
        let (right, below) = (x >= width / 2, y >= height / 2);
        Rgb([
            if right { 230 } else { 20 },
            if below { 230 } else { 20 },
            90,
        ])
    }))
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

/// TIFF entries of one directory, with their values behind it.
fn directory(at: u32, entries: &[(u16, u16, u32, Vec<u8>)], next: &mut Vec<u8>) -> Vec<u8> {
    let mut out = u16::try_from(entries.len()).unwrap().to_le_bytes().to_vec();
    let after = at + 2 + 12 * u32::try_from(entries.len()).unwrap() + 4;
    for (tag, kind, count, value) in entries {
        out.extend_from_slice(&tag.to_le_bytes());
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes());
        if value.len() <= 4 {
            let mut short = value.clone();
            short.resize(4, 0);
            out.extend_from_slice(&short);
        } else {
            let place = after + u32::try_from(next.len()).unwrap();
            out.extend_from_slice(&place.to_le_bytes());
            next.extend_from_slice(value);
        }
    }
    out.extend_from_slice(&[0; 4]);
    out
}

fn rationals(values: &[(u32, u32)]) -> Vec<u8> {
    let bytes = values
        .iter()
        .flat_map(|(a, b)| [a.to_le_bytes(), b.to_le_bytes()]);
    bytes.flatten().collect()
}

fn text(tag: u16, text: &str) -> (u16, u16, u32, Vec<u8>) {
    let bytes = [text.as_bytes(), b"\0"].concat();
    (tag, 2, u32::try_from(bytes.len()).unwrap(), bytes)
}

/// What a phone writes: maker, model, orientation, time, position, owner.
fn exif(orientation: u8) -> Vec<u8> {
    let base = |gps: u32, exif: u32| {
        vec![
            text(0x010f, "Cua Hang May Anh"),
            text(0x0110, "SK-9"),
            (0x0112, 3, 1, vec![orientation, 0]),
            (0x8769, 4, 1, exif.to_le_bytes().to_vec()),
            (0x8825, 4, 1, gps.to_le_bytes().to_vec()),
        ]
    };
    let mut values = Vec::new();
    let length = directory(8, &base(0, 0), &mut values).len() + values.len();
    let exif_at = 8 + u32::try_from(length).unwrap();
    let entries = [
        text(0x9003, "2019:08:05 09:30:00"),
        text(0x9011, "+07:00"),
        text(0xa430, "Nguyen Van Bi Mat"),
    ];
    let mut exif_values = Vec::new();
    let mut exif = directory(exif_at, &entries, &mut exif_values);
    exif.append(&mut exif_values);
    let gps_at = exif_at + u32::try_from(exif.len()).unwrap();
    let entries = [
        text(0x0001, "N"),
        (0x0002, 5, 3, rationals(&[(9, 1), (57, 1), (1800, 100)])),
        text(0x0003, "E"),
        (0x0004, 5, 3, rationals(&[(106, 1), (31, 1), (4800, 100)])),
        (0x001f, 5, 1, rationals(&[(12, 1)])),
    ];
    let mut gps_values = Vec::new();
    let mut gps = directory(gps_at, &entries, &mut gps_values);
    gps.append(&mut gps_values);
    let mut values = Vec::new();
    let first = directory(8, &base(gps_at, exif_at), &mut values);
    [
        b"II\x2a\0\x08\0\0\0".as_slice(),
        &first,
        &values,
        &exif,
        &gps,
    ]
    .concat()
}

fn segment(code: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&[0xff, code], length.as_slice(), content].concat()
}

/// A JPEG as phones write it: with everything, and a film behind it.
pub(crate) fn from_a_phone(orientation: u8) -> Vec<u8> {
    let plain = encoded(&corners(640, 480), ImageFormat::Jpeg);
    [
        plain[..2].to_vec(),
        segment(0xe1, &[b"Exif\0\0".as_slice(), &exif(orientation)].concat()),
        segment(
            0xe1,
            b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>Bi Mat</x:xmpmeta>",
        ),
        segment(0xed, b"Photoshop 3.0\08BIM\x04\x04Bi Mat"),
        segment(0xe2, b"ICC_PROFILE\0\x01\x01Bi Mat"),
        segment(0xfe, b"Bi Mat"),
        plain[2..].to_vec(),
        b"\0\0\0\x18ftypmp42 Bi Mat, a film".to_vec(),
    ]
    .concat()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_photo_says_when_where_and_by_which_camera_and_then_no_more() {
    let taken = from_a_phone(6);
    let prepared = prepare(&taken, None).unwrap();
    let facts = &prepared.facts;
    // 2019-08-05 09:30 in Việt Nam.
    assert_eq!(facts.taken_ms, Some(1_564_972_200_000));
    assert_eq!(
        facts.position.as_deref(),
        Some("geo:9.955000,106.530000;u=12")
    );
    assert_eq!(facts.camera.as_deref(), Some("Cua Hang May Anh SK-9"));
    assert_eq!(
        (prepared.media_type, prepared.size),
        (MediaType::Jpeg, Some((480, 640)))
    );

    for secret in [
        "Bi Mat",
        "SK-9",
        "Cua Hang",
        "2019:08",
        "xmpmeta",
        "Photoshop",
        "ICC_PROFILE",
        "ftyp",
        "JFIF",
    ] {
        assert!(
            !holds(&prepared.bytes, secret.as_bytes()),
            "{secret} is still in the file"
        );
    }
    let left = Facts::of(&prepared.bytes);
    assert_eq!(
        left,
        Facts {
            orientation: 6,
            ..Facts::default()
        }
    );
    assert!(media::inspect(&prepared.bytes).is_ok());
    // The pixels are the camera's.
    let pixels = |bytes: &[u8]| {
        image::load_from_memory_with_format(bytes, ImageFormat::Jpeg)
            .unwrap()
            .to_rgb8()
    };
    assert!(pixels(&prepared.bytes) == pixels(&taken));

    let small = image::load_from_memory(&prepared.thumbnail.unwrap())
        .unwrap()
        .to_rgb8();
    assert_eq!((small.width(), small.height()), (240, 320));
    // Turned by a quarter to the right: what was below on the left is on top on the left.
    let Rgb([red, green, _]) = *small.get_pixel(20, 20);
    assert!(red < 100 && green > 150, "{red} {green}");
}

#[test]
fn a_photo_without_orientation_has_no_metadata_at_all() {
    let prepared = prepare(&from_a_phone(1), None).unwrap();
    assert!(!holds(&prepared.bytes, b"Exif"));
    assert_eq!(prepared.size, Some((640, 480)));
}

#[test]
fn what_pngs_and_webps_carry_is_taken_out_too() {
    let chunk = |name: &[u8; 4], content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [length.as_slice(), name, content, &[0; 4]].concat()
    };
    let plain = encoded(&corners(64, 48), ImageFormat::Png);
    // Behind the header, which has 33 bytes with the signature.
    let png = [
        plain[..33].to_vec(),
        chunk(b"tEXt", b"Author\0Bi Mat"),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0Bi Mat"),
        chunk(b"eXIf", &exif(1)),
        chunk(b"prIv", b"Bi Mat"),
        plain[33..].to_vec(),
    ]
    .concat();
    let prepared = prepare(&png, None).unwrap();
    assert_eq!(
        prepared.facts.camera.as_deref(),
        Some("Cua Hang May Anh SK-9")
    );
    for secret in ["Bi Mat", "SK-9", "eXIf", "tEXt"] {
        assert!(!holds(&prepared.bytes, secret.as_bytes()), "{secret}");
    }
    assert_eq!(prepared.media_type, MediaType::Png);

    let plain = encoded(&corners(64, 48), ImageFormat::WebP);
    let mut content = b"WEBP".to_vec();
    let mut put = |name: &[u8; 4], bytes: &[u8]| {
        content.extend_from_slice(name);
        content.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
        content.extend_from_slice(bytes);
        content.resize(content.len() + bytes.len() % 2, 0);
    };
    put(b"VP8X", &[0x0c, 0, 0, 0, 63, 0, 0, 47, 0, 0]);
    let picture = &plain[20..];
    let length = u32::from_le_bytes(plain[16..20].try_into().unwrap()) as usize;
    put(b"VP8L", &picture[..length]);
    put(b"EXIF", &exif(1));
    put(b"XMP ", b"Bi Mat");
    let size = u32::try_from(content.len()).unwrap().to_le_bytes();
    let webp = [b"RIFF".as_slice(), &size, &content].concat();
    let prepared = prepare(&webp, None).unwrap();
    assert_eq!(prepared.media_type, MediaType::Webp);
    for secret in ["Bi Mat", "SK-9", "EXIF", "XMP "] {
        assert!(!holds(&prepared.bytes, secret.as_bytes()), "{secret}");
    }
    // One that has to be turned has no place to say so: it is turned.
    let mut turned = plain[..33].to_vec();
    turned.clear();
    let plain = encoded(&corners(64, 48), ImageFormat::Png);
    turned.extend_from_slice(&plain[..33]);
    turned.extend_from_slice(&chunk(b"eXIf", &exif(6)));
    turned.extend_from_slice(&plain[33..]);
    let prepared = prepare(&turned, None).unwrap();
    assert_eq!(
        (prepared.media_type, prepared.size),
        (MediaType::Jpeg, Some((48, 64)))
    );
    assert_eq!(Facts::of(&prepared.bytes).orientation, 1);
}

#[test]
fn a_photo_can_be_scaled_and_is_upright_then() {
    let prepared = prepare(&from_a_phone(6), Some(320)).unwrap();
    assert_eq!(prepared.size, Some((240, 320)));
    let read = media::inspect(&prepared.bytes).unwrap();
    assert_eq!(read.size, Some((240, 320)));
    assert_eq!(Facts::of(&prepared.bytes).orientation, 1);
}

#[test]
fn what_is_no_photo_or_would_fill_the_memory_is_refused() {
    let refused = |bytes: &[u8]| match prepare(bytes, None) {
        Err(Error::NotAllowed(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(b"<svg/>"), NotAllowed::UnknownType);
    assert_eq!(refused(b"GIF89a;"), NotAllowed::UnknownType);
    assert_eq!(refused(b""), NotAllowed::UnknownType);
    let good = encoded(&corners(64, 48), ImageFormat::Jpeg);
    assert_eq!(refused(&good[..good.len() / 2]), NotAllowed::Broken);
    // A header that says a hundred thousand pixels a side.
    let mut bomb = encoded(&corners(64, 48), ImageFormat::Png);
    bomb[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    assert_eq!(refused(&bomb), NotAllowed::Pixels(100_000, 100_000));
    let scan = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n";
    let prepared = prepare(scan, None).unwrap();
    assert_eq!(
        (prepared.media_type, prepared.thumbnail),
        (MediaType::Pdf, None)
    );
}

#[test]
fn metadata_made_to_hurt_is_as_good_as_none() {
    // Directories that name themselves, counts of four billion, values far outside.
    let loops = [
        b"II\x2a\0\x08\0\0\0\x01\0".as_slice(),
        &[0x69, 0x87, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0],
        &[8, 0, 0, 0],
    ]
    .concat();
    let counts = [
        b"II\x2a\0\x08\0\0\0\x01\0".as_slice(),
        &[0x0f, 1, 2, 0, 255, 255, 255, 255, 8, 0, 0, 0],
        &[0; 4],
    ]
    .concat();
    let many = [b"II\x2a\0\x08\0\0\0\xff\xff".as_slice(), &[0x41; 60_000]].concat();
    let plain = encoded(&corners(64, 48), ImageFormat::Jpeg);
    for bomb in [loops, counts, many, vec![b'I'; 60_000]] {
        let exif = segment(0xe1, &[b"Exif\0\0".as_slice(), &bomb].concat());
        let bytes = [&plain[..2], &exif, &plain[2..]].concat();
        let prepared = prepare(&bytes, None).unwrap();
        assert_eq!(
            (prepared.facts.camera, prepared.facts.taken_ms),
            (None, None)
        );
        assert!(!holds(&prepared.bytes, b"Exif"));
    }
    // Times and places that make no sense.
    let mut nonsense = exif(1);
    let at = nonsense
        .windows(4)
        .position(|window| window == b"2019")
        .unwrap();
    nonsense[at..at + 10].copy_from_slice(b"2019:13:45");
    let exif = segment(0xe1, &[b"Exif\0\0".as_slice(), &nonsense].concat());
    let bytes = [&plain[..2], &exif, &plain[2..]].concat();
    assert_eq!(prepare(&bytes, None).unwrap().facts.taken_ms, None);
}
