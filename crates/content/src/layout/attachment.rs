//! The body of an attachment: which space it shows.

use hythe_model::SpaceId;
use minicbor::decode::Error;

use super::error::BodyError;
use super::tree::StoredBody;
use crate::cbor;

/// The form of a body that names a space, beside those of files and links.
const ATTACHMENT: u8 = 3;

/// Writes the body of an attachment down. It refers to no stored object: the server does not learn
/// which space is shown.
pub fn store_attachment(space: SpaceId) -> StoredBody {
    let field = cbor::write(|writer| {
        writer
            .array(2)?
            .u8(ATTACHMENT)?
            .bytes(space.as_bytes())?
            .ok()
    });
    StoredBody {
        field,
        refs: Vec::new(),
        tree: false,
        nodes: Vec::new(),
    }
}

/// Reads which space an attachment shows.
///
/// # Errors
/// When the bytes are not the body of an attachment.
pub fn read_attachment(field: &[u8]) -> Result<SpaceId, BodyError> {
    let space = cbor::read(field, |decoder| {
        cbor::array(decoder, 2)?;
        if decoder.u8()? != ATTACHMENT {
            return Err(Error::message("not the body of an attachment"));
        }
        let id: [u8; 32] = decoder
            .bytes()?
            .try_into()
            .map_err(|_| Error::message("the length of an id"))?;
        Ok(SpaceId(id))
    })?;
    if store_attachment(space).field == field {
        Ok(space)
    } else {
        Err(BodyError::Spelling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachment_names_one_space_in_one_spelling() {
        let space = SpaceId([9; 32]);
        let field = store_attachment(space).field;
        assert_eq!(field[..4], [0x82, 3, 0x58, 32]);
        assert_eq!(read_attachment(&field).unwrap(), space);
        for end in 0..field.len() {
            assert!(read_attachment(&field[..end]).is_err());
        }
        let mut long = field.clone();
        long.push(0);
        assert!(read_attachment(&long).is_err());
        // The number of the form written in two bytes.
        let spelled = [&[0x82, 0x18, 3][..], &field[2..]].concat();
        assert!(matches!(
            read_attachment(&spelled),
            Err(BodyError::Spelling)
        ));
        // A link of the same length is none.
        let mut link = field;
        link[1] = 2;
        assert!(read_attachment(&link).is_err());
    }
}
