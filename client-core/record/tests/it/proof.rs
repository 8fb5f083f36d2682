//! Signed requests: what is signed can't be altered, and nothing but the protocol's own form is read.

use proptest::prelude::*;
use sokiem_record::{
    id::{ActorId, DeviceId},
    proof::{self, Claim, Covered, Stamp},
    signing::SigningKey,
};
use uuid::Uuid;

const BODY: &[u8] = b"{\"actor\": \"0f3a\"}";

fn key() -> SigningKey {
    SigningKey::from_seed(&std::array::from_fn(|n| u8::try_from(n).unwrap()))
}

fn stamp() -> Stamp {
    Stamp {
        created_s: 1_795_392_000,
        nonce: std::array::from_fn(|n| u8::try_from(n * 16).unwrap()),
        device: DeviceId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)),
    }
}

fn covered(digest: &str) -> Covered<'_> {
    Covered {
        method: "POST",
        path: "/api/device/v1/actors",
        query: None,
        digest: Some(digest),
    }
}

/// The example of `docs/sync-protocol.md` § 3.1. A client that makes these bytes can talk to any server.
#[test]
fn the_published_example_stays_as_it_is() {
    let digest = proof::content_digest(BODY);
    let (input, signature) = proof::sign(&covered(&digest), &stamp(), &key());
    let text =
        format!("Content-Digest: {digest}\nSignature-Input: {input}\nSignature: {signature}\n");
    let page = include_str!("../../../../docs/sync-protocol.md");
    assert!(page.contains(&text), "the page should show\n{text}");
    assert!(
        page.contains(&format!("{}", key().public_key())),
        "{}",
        key().public_key()
    );
}

#[test]
fn a_request_without_a_body_is_signed_without_a_digest() {
    let covered = Covered {
        method: "GET",
        path: "/api/device/v1/events",
        query: Some("since=1"),
        digest: None,
    };
    let (input, signature) = proof::sign(&covered, &stamp(), &key());
    let claim = Claim::parse(&input, &signature).unwrap();
    assert!(!claim.covers_body());
    assert!(claim.holds(&covered, &key().public_key()));
    let digest = proof::content_digest(b"");
    let with_body = Covered {
        digest: Some(&digest),
        ..covered
    };
    assert!(!claim.holds(&with_body, &key().public_key()));
}

#[test]
fn components_and_parameters_may_stand_in_any_order() {
    let covered = Covered {
        method: "GET",
        path: "/",
        query: None,
        digest: None,
    };
    let stamp = stamp();
    let (input, _) = proof::sign(&covered, &stamp, &key());
    let nonce = input
        .split(';')
        .find(|part| part.starts_with("nonce"))
        .unwrap();
    let parameters = format!(
        "(\"@query\" \"@path\" \"@method\");alg=\"ed25519\";keyid=\"{}\";{nonce};created={}",
        stamp.device, stamp.created_s
    );
    let base = format!(
        "\"@query\": ?\n\"@path\": /\n\"@method\": GET\n\"@signature-params\": {parameters}"
    );
    let signature = key().sign(base.as_bytes());
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(signature.as_bytes());
    let claim = Claim::parse(&format!("sokiem={parameters}"), &format!("sokiem=:{text}:")).unwrap();
    assert!(claim.holds(&covered, &key().public_key()));
}

#[test]
fn any_other_form_is_refused() {
    let digest = proof::content_digest(BODY);
    let (input, signature) = proof::sign(&covered(&digest), &stamp(), &key());
    let altered = |from: &str, to: &str| {
        let text = input.replace(from, to);
        assert_ne!(text, input, "{from} is not there");
        text
    };
    for wrong in [
        altered("sokiem=", "sig1="),
        altered("\"@query\" ", ""),
        altered("\"@query\"", "\"@query\" \"@query\""),
        altered("\"content-digest\"", "\"content-type\""),
        altered("\"content-digest\"", "content-digest"),
        altered("created=", "created=x"),
        altered("created=", "created=99999999999999999"),
        altered(";alg=\"ed25519\"", ""),
        altered("ed25519", "hmac-sha256"),
        altered(";alg", ";expires=1;alg"),
        altered(";alg", ";created=1;alg"),
        altered("nonce=\"", "nonce=\"AAAA"),
        altered("01900000", "0190000"),
        altered("01900000-0000", "019000000000"),
        altered("(", ""),
        format!("{input}, other={input}"),
        format!("{input};"),
        format!("sokiem=(){}", "x".repeat(proof::MAX_FIELD_BYTES)),
        String::new(),
    ] {
        assert!(Claim::parse(&wrong, &signature).is_err(), "{wrong}");
    }
    for wrong in [
        "",
        "sokiem=",
        "sokiem=::",
        "sokiem=:AAAA:",
        &signature[7..],
        &signature.replace('=', ""),
    ] {
        assert!(Claim::parse(&input, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn messages_of_possession_name_what_they_are_for() {
    let (device, public) = (stamp().device, key().public_key());
    let actor = ActorId(Uuid::from_u128(7));
    let enrolment = proof::enrolment_message("K7QM-3T2X-9HVD", actor, &public);
    let renewal = proof::renewal_message(device, &public);
    let signature = key().sign(&enrolment);
    assert!(public.verifies(&enrolment, &signature));
    assert!(!public.verifies(&renewal, &signature));
    assert_ne!(
        enrolment,
        proof::enrolment_message("K7QM-3T2X-9HVE", actor, &public)
    );
}

proptest! {
    #[test]
    fn what_is_signed_is_read_back_and_holds_for_nothing_else(
        seed: [u8; 32], other: [u8; 32], nonce: [u8; 16], device: u128, created_s in -1_000_000_000_000_i64..1_000_000_000_000,
        path in "/[a-z0-9/-]{0,40}", query in proptest::option::of("[a-z0-9=&%]{0,40}"), body: Vec<u8>, flip in 0_usize..5,
    ) {
        let key = SigningKey::from_seed(&seed);
        let stamp = Stamp { created_s, nonce, device: DeviceId(Uuid::from_u128(device)) };
        let digest = proof::content_digest(&body);
        let covered = Covered { method: "PUT", path: &path, query: query.as_deref(), digest: Some(&digest) };
        let (input, signature) = proof::sign(&covered, &stamp, &key);
        let claim = Claim::parse(&input, &signature).unwrap();
        prop_assert_eq!(claim.stamp, stamp);
        prop_assert!(claim.holds(&covered, &key.public_key()));
        prop_assume!(seed != other);
        prop_assert!(!claim.holds(&covered, &SigningKey::from_seed(&other).public_key()));
        let mut longer = body.clone();
        longer.push(0);
        let (longer, more) = (proof::content_digest(&longer), format!("{path}x"));
        let altered = match flip {
            0 => Covered { method: "POST", ..covered },
            1 => Covered { path: &more, ..covered },
            2 => Covered { query: Some("other"), ..covered },
            3 => Covered { digest: Some(&longer), ..covered },
            _ => Covered { digest: None, ..covered },
        };
        prop_assume!(altered != covered);
        prop_assert!(!claim.holds(&altered, &key.public_key()));
    }

    #[test]
    fn no_text_makes_the_reader_fail(input: String, signature: String) {
        let _ = Claim::parse(&input, &signature);
        let _ = Claim::parse(&format!("sokiem=({input}"), &format!("sokiem=:{signature}:"));
    }
}
