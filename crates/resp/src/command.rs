//! Requests as we send them: always multibulk.

use crate::number::{push_header, push_i64};

/// Appends a command in the request format, `*<n>\r\n` and each argument as a bulk string.
///
/// This is what goes to other servers, into the replication log and into the AOF.
pub fn encode_command<'a>(out: &mut Vec<u8>, args: impl ExactSizeIterator<Item = &'a [u8]>) {
    push_header(out, b'*', args.len());
    for arg in args {
        push_bulk(out, arg);
    }
}

/// Bytes that [`encode_command`] writes for arguments of these lengths.
pub fn command_wire_len(arg_lens: impl ExactSizeIterator<Item = usize>) -> usize {
    let header = header_len(arg_lens.len());
    header + arg_lens.map(|len| header_len(len) + len + 2).sum::<usize>()
}

/// Writes one command argument by argument, when they are not at hand as slices.
///
/// ```
/// let mut out = Vec::new();
/// redan_resp::CommandBuilder::new(&mut out, 3).arg(b"PEXPIREAT").arg(b"key").int(1700000000000);
/// assert_eq!(out, b"*3\r\n$9\r\nPEXPIREAT\r\n$3\r\nkey\r\n$13\r\n1700000000000\r\n");
/// ```
pub struct CommandBuilder<'a> {
    out: &'a mut Vec<u8>,
    missing: usize,
}

impl<'a> CommandBuilder<'a> {
    /// Starts a command of exactly `args` arguments, its name included.
    pub fn new(out: &'a mut Vec<u8>, args: usize) -> Self {
        push_header(out, b'*', args);
        CommandBuilder { out, missing: args }
    }

    /// The next argument.
    pub fn arg(&mut self, arg: &[u8]) -> &mut Self {
        debug_assert!(self.missing > 0, "more arguments than announced");
        self.missing -= 1;
        push_bulk(self.out, arg);
        self
    }

    /// The next argument: an integer in decimal.
    pub fn int(&mut self, value: i64) -> &mut Self {
        self.arg(itoa::Buffer::new().format(value).as_bytes())
    }
}

impl Drop for CommandBuilder<'_> {
    fn drop(&mut self) {
        debug_assert!(
            self.missing == 0 || std::thread::panicking(),
            "{} announced arguments missing",
            self.missing
        );
    }
}

/// Appends a bulk string.
#[inline]
pub(crate) fn push_bulk(out: &mut Vec<u8>, payload: &[u8]) {
    out.reserve(payload.len() + 16);
    push_header(out, b'$', payload.len());
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\r\n");
}

/// Appends `:<value>\r\n`.
#[inline]
pub(crate) fn push_int_line(out: &mut Vec<u8>, value: i64) {
    if let Ok(small) = usize::try_from(value) {
        push_header(out, b':', small);
    } else {
        out.push(b':');
        push_i64(out, value);
        out.extend_from_slice(b"\r\n");
    }
}

/// Bytes of `<type><n>\r\n`.
fn header_len(n: usize) -> usize {
    3 + n.checked_ilog10().unwrap_or(0) as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OwnedArgs;

    #[test]
    fn wire_len_is_what_encoding_writes() {
        for lens in [vec![], vec![0], vec![1, 9, 10, 99, 100, 101], vec![3; 100], vec![70_000, 0]] {
            let args: OwnedArgs = lens.iter().map(|&n| vec![b'x'; n]).collect();
            let mut out = Vec::new();
            encode_command(&mut out, args.iter());
            assert_eq!(out.len(), args.as_args().wire_len(), "{lens:?}");
        }
    }

    #[test]
    fn commands_look_as_redis_writes_them() {
        let mut out = Vec::new();
        encode_command(&mut out, [&b"SET"[..], b"k", b""].into_iter());
        assert_eq!(out, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "1 announced arguments missing")]
    fn a_builder_notices_a_forgotten_argument() {
        CommandBuilder::new(&mut Vec::new(), 2).arg(b"PING");
    }
}
