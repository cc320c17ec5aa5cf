//! Frames to bytes.

use super::Frame;
use crate::reply::ReplyBuf;

impl Frame {
    /// Appends the frame in the protocol of `out`. Attributes are left out where the protocol has none.
    pub fn encode(&self, out: &mut ReplyBuf) {
        match self {
            Frame::Simple(text) => out.simple_bytes(text),
            Frame::Error(text) => out.error_bytes(text),
            Frame::Int(value) => out.int(*value),
            Frame::Bulk(payload) => out.bulk(payload),
            Frame::Null => out.null(),
            Frame::Double(value) => out.double(*value),
            Frame::Bool(value) => out.bool(*value),
            Frame::Verbatim { format, text } => out.verbatim(*format, text),
            Frame::BigNumber(digits) => out.big_number(digits),
            Frame::Array(elements) => {
                out.array(elements.len());
                elements.iter().for_each(|element| element.encode(out));
            }
            Frame::Set(elements) => {
                out.set(elements.len());
                elements.iter().for_each(|element| element.encode(out));
            }
            Frame::Push(elements) => {
                out.push(elements.len());
                elements.iter().for_each(|element| element.encode(out));
            }
            Frame::Map(pairs) => {
                out.map(pairs.len());
                encode_pairs(pairs, out);
            }
            Frame::Attribute { attributes, value } => {
                if out.attribute(attributes.len()) {
                    encode_pairs(attributes, out);
                }
                value.encode(out);
            }
        }
    }
}

fn encode_pairs(pairs: &[(Frame, Frame)], out: &mut ReplyBuf) {
    for (key, value) in pairs {
        key.encode(out);
        value.encode(out);
    }
}
