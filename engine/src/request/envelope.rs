//! Credentials that a vendor wants in the header of a SOAP envelope that a caller has written.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::{BuildError, Call, Inputs};
use crate::configuration::Values;
use crate::element::{Element, Group};
use crate::ids::Secret;

/// What the envelopes of this group's calls hold in their header; `None`: nothing.
pub fn envelope_header(
    element: &Element,
    group: &Group,
    stored: &Values,
) -> Result<Option<Secret>, BuildError> {
    let Some(template) = &group.soap_header else {
        return Ok(None);
    };
    let inputs = Inputs {
        configuration: stored,
        previous: None,
        request: None,
        now: 0,
    };
    let call = Call::new(element, group, &element.passing, &inputs);
    Ok(Some(Secret::new(call.credential(template)?.text)))
}

/// The envelope with this block in its header. Only the beginning of it has to be there. `None`: it
/// is no envelope, or its header has such a block already.
pub fn with_header(envelope: &[u8], block: &str) -> Option<Vec<u8>> {
    // What is cut in the middle of a letter is not in the header.
    let text = match std::str::from_utf8(envelope) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(envelope.get(..error.valid_up_to())?).ok()?,
    };
    let name = block.strip_prefix('<')?;
    let name = name.split([' ', '>', '/']).next()?;
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    let mut in_header = false;
    let mut insert_at = None;
    loop {
        let before = position(&reader)?;
        let event = reader.read_event().ok()?;
        let (start, empty) = match &event {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                depth = depth.checked_sub(1)?;
                in_header &= depth > 1;
                continue;
            }
            Event::DocType(_) | Event::Eof => return None,
            _ => continue,
        };
        let local = start.local_name();
        let local: &str = local.as_ref();
        let prefix = start
            .name()
            .prefix()
            .map(|prefix| prefix.as_ref().to_owned());
        let prefix = prefix.map_or_else(String::new, |prefix: String| format!("{prefix}:"));
        match (depth, local) {
            (0, "Envelope") if !empty => {}
            (0, _) => return None,
            (1, "Header") if empty => {
                let header = format!("<{prefix}Header>{block}</{prefix}Header>");
                return spliced(envelope, before, position(&reader)?, &header);
            }
            (1, "Header") => {
                in_header = true;
                insert_at = Some(position(&reader)?);
            }
            (1, "Body") => {
                return match insert_at {
                    Some(at) => spliced(envelope, at, at, block),
                    None => {
                        let header = format!("<{prefix}Header>{block}</{prefix}Header>");
                        spliced(envelope, before, before, &header)
                    }
                };
            }
            (2, local) if in_header && local == name => return None,
            _ => {}
        }
        depth += usize::from(!empty);
    }
}

fn position(reader: &Reader<&[u8]>) -> Option<usize> {
    usize::try_from(reader.buffer_position()).ok()
}

fn spliced(envelope: &[u8], from: usize, to: usize, text: &str) -> Option<Vec<u8>> {
    let (before, after) = (envelope.get(..from)?, envelope.get(to..)?);
    Some([before, text.as_bytes(), after].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "<Code xmlns=\"urn:x\"><C>7</C></Code>";

    #[test]
    fn the_block_is_put_into_the_header() {
        for (given, expected) in [
            (
                "<?xml version=\"1.0\"?>\n<s:Envelope xmlns:s=\"u\"><s:Body><a/></s:Body></s:Envelope>",
                "<?xml version=\"1.0\"?>\n<s:Envelope xmlns:s=\"u\"><s:Header>#</s:Header><s:Body><a/></s:Body></s:Envelope>",
            ),
            (
                "<Envelope><Header/><Body/></Envelope>",
                "<Envelope><Header>#</Header><Body/></Envelope>",
            ),
            (
                "<Envelope><!-- x --><Header><Own><Body>é</Body></Own></Header> <Body>caf\u{e9}</Body></Envelope>",
                "<Envelope><!-- x --><Header>#<Own><Body>é</Body></Own></Header> <Body>caf\u{e9}</Body></Envelope>",
            ),
            // The rest is still to come.
            (
                "<E:Envelope><E:Header></E:Header><E:Body><rest",
                "<E:Envelope><E:Header>#</E:Header><E:Body><rest",
            ),
        ] {
            let made =
                with_header(given.as_bytes(), BLOCK).map(|made| String::from_utf8(made).unwrap());
            assert_eq!(
                made.as_deref(),
                Some(expected.replace('#', BLOCK).as_str()),
                "{given}"
            );
        }
        let cut = [b"<Envelope><Body>".as_slice(), &[0xc3]].concat();
        assert!(with_header(&cut, BLOCK).is_some());
    }

    #[test]
    fn what_is_no_envelope_or_has_the_block_stays() {
        for given in [
            "",
            "{\"a\":1}",
            "<html><body/></html>",
            "<Envelope/>",
            "<Envelope><Header>",
            "<Envelope><Header><x:Code/></Header><Body/></Envelope>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><Envelope><Body/></Envelope>",
            "<Envelope><Body",
            "</a>",
        ] {
            assert_eq!(with_header(given.as_bytes(), BLOCK), None, "{given}");
        }
    }
}
