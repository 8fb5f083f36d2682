//! Ed25519 keys and signatures (RFC 8032): behind a request of a device, behind the heads of a
//! finished record, behind a supervisor's decision.
//!
//! What is signed says in its own first bytes what it is, so that a signature over one kind of thing
//! can't be shown as one over another. Keys come from 32 random bytes that the caller drew: this crate
//! has no randomness.

use std::{fmt, str::FromStr};

use ed25519_dalek::{Signer as _, VerifyingKey};
use serde::{Deserialize, Serialize};

/// The half of a key pair that stays where it was made. Wiped from memory when dropped; never shown.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of a seed of 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed that the key was made of: what a store keeps of it.
    pub fn to_seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The other half, for everybody.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

/// The half of a key pair that others verify with: 32 bytes, as text 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// A key from its 32 bytes. Whether they are a point of the curve shows when it verifies.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether the owner of this key signed this message. Strict: one message and key have one
    /// signature that counts, and a key of small order has none.
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| {
            let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
            key.verify_strict(message, &signature).is_ok()
        })
    }
}

/// A signature: 64 bytes, as text 128 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature([u8; 64]);

impl Signature {
    /// A signature from its 64 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 64 bytes.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

/// Not a key or signature as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {0} lower-case hexadecimal digits")]
pub struct InvalidHex(usize);

macro_rules! as_hexadecimal_text {
    ($name:ident, $bytes:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = InvalidHex;

            fn from_str(text: &str) -> Result<Self, InvalidHex> {
                let invalid = InvalidHex(2 * $bytes);
                let digit = |byte: u8| match byte {
                    b'0'..=b'9' => Ok(byte - b'0'),
                    b'a'..=b'f' => Ok(byte - b'a' + 10),
                    _ => Err(invalid),
                };
                let text: &[u8; 2 * $bytes] = text.as_bytes().try_into().map_err(|_| invalid)?;
                let (pairs, _) = text.as_chunks::<2>();
                let mut bytes = [0; $bytes];
                for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
                    *byte = digit(*high)? << 4 | digit(*low)?;
                }
                Ok(Self(bytes))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidHex;

            fn try_from(text: String) -> Result<Self, InvalidHex> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

as_hexadecimal_text!(PublicKey, 32);
as_hexadecimal_text!(Signature, 64);

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 § 7.1, test 2.
    #[test]
    fn agrees_with_the_test_vector_of_the_standard() {
        let seed: PublicKey = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
            .parse()
            .unwrap();
        let key = SigningKey::from_seed(seed.as_bytes());
        assert_eq!(
            key.public_key().to_string(),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        let signature = key.sign(&[0x72]);
        assert_eq!(
            signature.to_string(),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        assert!(key.public_key().verifies(&[0x72], &signature));
        assert!(!key.public_key().verifies(&[0x73], &signature));
    }

    #[test]
    fn another_key_and_a_key_that_is_no_key_verify_nothing() {
        let key = SigningKey::from_seed(&[1; 32]);
        let signature = key.sign(b"heads");
        let other = SigningKey::from_seed(&[2; 32]).public_key();
        assert!(!other.verifies(b"heads", &signature));
        for bytes in [[0; 32], [255; 32]] {
            let key = PublicKey::from_slice(&bytes).unwrap();
            assert!(!key.verifies(b"heads", &signature));
            assert!(!key.verifies(b"heads", &Signature([0; 64])));
        }
    }

    #[test]
    fn text_is_read_back_and_anything_else_is_refused() {
        let key = SigningKey::from_seed(&[7; 32]);
        let (public, signature) = (key.public_key(), key.sign(b""));
        assert_eq!(public.to_string().parse(), Ok(public));
        assert_eq!(signature.to_string().parse(), Ok(signature));
        let text = public.to_string();
        for wrong in [&text[1..], &text.to_uppercase(), "", &"g".repeat(64)] {
            assert_eq!(wrong.parse::<PublicKey>(), Err(InvalidHex(64)));
        }
        assert!(!format!("{key:?}").contains(&public.to_string()[..8]));
    }
}
