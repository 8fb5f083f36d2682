//! What a file is by its content.

use sokiem_record::{
    attachment::ContentHash,
    limits,
    media::{Media, MediaType, NotAllowed, inspect},
};

fn segment(code: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap();
    [&[0xff, code], length.to_be_bytes().as_slice(), content].concat()
}

/// A JPEG by its framing: a frame of this size, one scan with a stuffed byte and a restart.
pub(crate) fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let frame = [
        &[8],
        height.to_be_bytes().as_slice(),
        &width.to_be_bytes(),
        &[1, 1, 0x11, 0],
    ]
    .concat();
    [
        vec![0xff, 0xd8],
        segment(0xe0, b"JFIF\0"),
        segment(0xc2, &frame),
        segment(0xda, &[1, 1, 0, 0, 63, 0]),
        vec![1, 2, 0xff, 0x00, 3, 0xff, 0xd0, 4],
        segment(0xc4, &[0; 20]),
        segment(0xda, &[1, 1, 0, 0, 63, 0]),
        vec![5, 6, 0xff, 0xff, 0xd9],
    ]
    .concat()
}

pub(crate) fn webp(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut content = b"WEBP".to_vec();
    for (name, bytes) in chunks {
        content.extend_from_slice(*name);
        content.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
        content.extend_from_slice(bytes);
        content.resize(content.len() + bytes.len() % 2, 0);
    }
    let length = u32::try_from(content.len()).unwrap();
    [b"RIFF".as_slice(), &length.to_le_bytes(), &content].concat()
}

fn picture(media_type: MediaType, width: u32, height: u32) -> Result<Media, NotAllowed> {
    Ok(Media {
        media_type,
        size: Some((width, height)),
    })
}

#[test]
fn pictures_are_known_by_their_framing() {
    assert_eq!(
        inspect(&jpeg(4000, 3000)),
        picture(MediaType::Jpeg, 4000, 3000)
    );
    // Lossless: 14 bits each, less one.
    let lossless = (639_u32 | (479 << 14)).to_le_bytes();
    let lossless = [&[0x2f], lossless.as_slice()].concat();
    assert_eq!(
        inspect(&webp(&[(b"VP8L", &lossless)])),
        picture(MediaType::Webp, 640, 480)
    );
    let lossy = [
        &[0; 3][..],
        &[0x9d, 0x01, 0x2a],
        &[0x80, 0x02],
        &[0xe0, 0x01],
    ]
    .concat();
    assert_eq!(
        inspect(&webp(&[(b"VP8 ", &lossy)])),
        picture(MediaType::Webp, 640, 480)
    );
    assert_eq!(
        inspect(b"%PDF-1.7\n1 0 obj\n%%EOF\n"),
        Ok(Media {
            media_type: MediaType::Pdf,
            size: None
        })
    );
}

#[test]
fn a_file_that_ends_early_or_goes_on_is_refused_and_never_panics() {
    let files = [jpeg(40, 30), webp(&[(b"VP8L", &[0x2f, 1, 2, 3, 4, 5])])];
    for whole in files {
        assert!(inspect(&whole).is_ok());
        for end in 0..whole.len() {
            assert!(inspect(&whole[..end]).is_err(), "{end} of {}", whole.len());
        }
        let longer = [whole.as_slice(), b"PK\x03\x04"].concat();
        assert_eq!(inspect(&longer), Err(NotAllowed::BytesBehind));
        for at in 0..whole.len() {
            let mut other = whole.clone();
            other[at] ^= 0xff;
            let _ = inspect(&other);
        }
    }
}

#[test]
fn pictures_without_sense_are_refused() {
    assert_eq!(inspect(&jpeg(0, 5)), Err(NotAllowed::Pixels(0, 5)));
    assert_eq!(
        inspect(&jpeg(65_000, 65_000)),
        Err(NotAllowed::Pixels(65_000, 65_000))
    );
    let long = u16::try_from(limits::MAX_PICTURE_SIDE + 1).unwrap();
    assert_eq!(
        inspect(&jpeg(long, 1)),
        Err(NotAllowed::Pixels(u32::from(long), 1))
    );
    // Moving pictures, and a frame around nothing.
    assert_eq!(
        inspect(&webp(&[(b"ANIM", &[0; 6])])),
        Err(NotAllowed::UnknownType)
    );
    assert_eq!(
        inspect(&webp(&[(b"VP8X", &[0; 10])])),
        Err(NotAllowed::Broken)
    );
    assert_eq!(inspect(b"GIF89a"), Err(NotAllowed::UnknownType));
    assert_eq!(inspect(b""), Err(NotAllowed::UnknownType));
}

#[test]
fn content_hashes_are_written_in_one_way() {
    let hash = ContentHash::of(b"abc");
    let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hash.to_string(), text);
    assert_eq!(text.parse(), Ok(hash));
    assert!(text.to_uppercase().parse::<ContentHash>().is_err());
    assert!(text[1..].parse::<ContentHash>().is_err());
}
