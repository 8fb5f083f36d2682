//! Who was there, what the unit says, and who signed.

use super::{Lack, Missing, is_blank, words};
use crate::typed::{Inspection, Participant};

fn is_named(person: &Participant) -> bool {
    person.name.as_deref().is_some_and(|name| !is_blank(name))
}

pub(super) fn present(inspection: &Inspection, missing: &mut Missing) {
    for (people, lack, path) in [
        (&inspection.team, Lack::NoTeam, "team"),
        (
            &inspection.representatives,
            Lack::NoRepresentative,
            "representatives",
        ),
    ] {
        if !people.values().any(is_named) {
            missing.add(lack, path, words::plain(lack));
        }
    }
}

pub(super) fn end(inspection: &Inspection, signed: bool, missing: &mut Missing) {
    if is_blank(&inspection.opinion) {
        missing.add(Lack::NoOpinion, "opinion", words::plain(Lack::NoOpinion));
    }
    let of_unit = inspection
        .signatures
        .iter()
        .filter(|(_, signature)| signature.role.as_deref() == Some("unit"));
    let (mut settled, mut unexplained) = (false, None);
    for (id, signature) in of_unit {
        let reason = signature.refusal_reason.as_deref().unwrap_or_default();
        if signature.refused == Some(true) && is_blank(reason) {
            unexplained = Some(id);
        } else {
            // Print and sign is the baseline: an element that names who signed needs no picture.
            settled = true;
        }
    }
    match unexplained {
        _ if settled => {}
        Some(id) => missing.add(
            Lack::RefusalWithoutReason,
            &format!("signatures/{}/refusal_reason", id.hyphenated()),
            words::plain(Lack::RefusalWithoutReason),
        ),
        None => missing.add(
            Lack::NoUnitSignature,
            "signatures",
            words::plain(Lack::NoUnitSignature),
        ),
    }
    // Before that, finishing signs by itself.
    if inspection.finished == Some(true) && !signed {
        missing.add(
            Lack::NoDeviceSignature,
            "finished",
            words::plain(Lack::NoDeviceSignature),
        );
    }
}
