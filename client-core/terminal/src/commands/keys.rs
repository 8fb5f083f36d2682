//! Commands about the book's key.

use serde_json::json;
use sokiem_client_core::{
    Book,
    keys::{BookKey, FileKeys, Kept, KeyStore, PassphraseKeys},
    platform::SystemRandom,
};

use crate::{
    arguments::KeyAction,
    failure::Failure,
    output::Output,
    session::{self, Keys},
};

pub(super) fn act(
    book: &Book,
    output: &Output,
    keys: &Keys,
    action: &KeyAction,
) -> Result<(), Failure> {
    match action {
        KeyAction::Status => {}
        KeyAction::Passphrase {
            new_passphrase_file,
            none,
        } => {
            let key = keys.store.load()?.ok_or_else(gone)?;
            if *none {
                FileKeys::new(&keys.file).store(&key)?;
            } else {
                let passphrase = session::passphrase(new_passphrase_file.as_deref(), output)?;
                PassphraseKeys::new(&keys.file, passphrase, SystemRandom).store(&key)?;
            }
        }
        KeyAction::Renew => book.rekey(keys.store.as_ref(), &BookKey::draw(&SystemRandom)?)?,
    }
    let under_passphrase = Kept::at(&keys.file)? == Kept::UnderPassphrase;
    let result = json!({"file": keys.file, "passphrase": under_passphrase});
    output.result(&result, |language| {
        let how = if under_passphrase {
            language.say("có cụm mật khẩu", "under a passphrase")
        } else {
            language.say(
                "không có cụm mật khẩu: ai đọc được tệp này thì mở được sổ",
                "no passphrase: whoever can read this file can open the book",
            )
        };
        vec![format!("{}  {how}", keys.file.display())]
    })
}

fn gone() -> Failure {
    Failure::new(11, "không thấy tệp khóa", "the key file is gone")
}
