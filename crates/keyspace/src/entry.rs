//! The entry: a key with its value, expiry and clock in a 20-byte slot and one exact heap block.
//!
//! ```text
//! slot   block 8 | hash 4 | clock 3 + epoch 1 | shape 4 (lengths, form and flags; see `shape`)
//! block  [expiry i64, place in the volatile list u32]  only with an expiry
//!        [key length u32]                              only from 65535 bytes on
//!        key bytes
//!        value: Int: 8 bytes | Inline: the string | Large: an Arc<Vec<u8>> as 8 bytes | Object: an Arc<Object> as 8 bytes
//! ```
//!
//! A 16-byte key with a 32-byte value is a block of 48 bytes, which is a size class of jemalloc: together with the slot and
//! its index place the pair takes 73 to 75 bytes. Fields in the block are not aligned.
//!
//! This module is `unsafe` because Rust has no safe type whose length is described outside of it: a `Box<[u8]>` costs 8
//! more bytes per key and a second length. What has to hold, and is kept by the few functions below:
//!
//! 1. `block` points to exactly `block_len()` bytes from the global allocator (or dangles if that is 0), and all of
//!    them are initialised.
//! 2. With `Form::Large` and `Form::Object` the value's 8 bytes are a pointer from `Arc::into_raw` of that type, of which
//!    the entry owns one count.
//! 3. Nothing in the slot that `block_len()` depends on changes without the block changing with it.
#![expect(unsafe_code, reason = "exact-size heap blocks described by their slot; see the module's page")]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use crate::clock::CLOCK_MASK;
use crate::dense::Slot;
use crate::object::{Hash, Object};
use crate::value::{EMBSTR_MAX, Encoding, IntText, Kind, Owned, Payload, StringRef, ValueRef};

const EXPIRY_LEN: usize = size_of::<i64>() + size_of::<u32>();
const LONG_KEY_LEN: usize = size_of::<u32>();
const WORD: usize = 8;

mod shape;

use shape::{Form, Shape};

/// One key with everything that belongs to it.
///
/// Packed to 4 bytes, because the pointer's alignment would cost 4 bytes of padding.
#[repr(C, packed(4))]
pub(crate) struct Entry {
    block: NonNull<u8>,
    hash: u32,
    clock_and_epoch: u32,
    shape: Shape,
}

const _: () = assert!(size_of::<Entry>() == 20);
const _: () = assert!(size_of::<Arc<Vec<u8>>>() == WORD && size_of::<Arc<Object>>() == WORD);

// SAFETY: an entry owns its block and a count of an `Arc` of plain data, both of which may move to and be read from any thread.
unsafe impl Send for Entry {}
// SAFETY: as above; `&Entry` gives only shared references to plain bytes.
unsafe impl Sync for Entry {}

impl Slot for Entry {
    #[inline]
    fn hash(&self) -> u32 {
        self.hash
    }
}

fn layout(len: usize) -> Layout {
    Layout::array::<u8>(len).expect("a key of at most 512 MB and an inline value are far below isize::MAX")
}

fn allocate(len: usize) -> NonNull<u8> {
    if len == 0 {
        return NonNull::dangling();
    }
    let layout = layout(len);
    // SAFETY: the layout is not empty.
    let block = unsafe { alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Frees a block of `len` bytes.
///
/// # Safety
/// `block` came from [`allocate`] or [`resize`] with this length and is not used again.
unsafe fn release(block: NonNull<u8>, len: usize) {
    if len != 0 {
        // SAFETY: same length and alignment as at the allocation, by the caller's promise.
        unsafe { dealloc(block.as_ptr(), layout(len)) };
    }
}

/// Changes a block's length, keeping the bytes up to the shorter length.
///
/// # Safety
/// As [`release`]: the old pointer is not used again.
unsafe fn resize(block: NonNull<u8>, old: usize, new: usize) -> NonNull<u8> {
    if old == 0 || new == 0 {
        // SAFETY: by the caller's promise; no byte is kept because one length is 0.
        unsafe { release(block, old) };
        return allocate(new);
    }
    // SAFETY: the block has the old layout by the caller's promise and the new length is not 0.
    let moved = unsafe { realloc(block.as_ptr(), layout(old), new) };
    NonNull::new(moved).unwrap_or_else(|| handle_alloc_error(layout(new)))
}

impl Entry {
    /// A new entry. `expiry` is the time and the place in the volatile list.
    pub(crate) fn new(key: &[u8], hash: u32, payload: Payload<'_>, expiry: Option<(i64, u32)>) -> Self {
        let (form, inline_len) = describe(&payload);
        let shape = Shape::new(key.len(), form, inline_len, expiry.is_some());
        let mut entry = Self { block: NonNull::dangling(), hash, clock_and_epoch: 0, shape };
        let header = entry.header_len();
        let value = header + key.len();
        entry.block = allocate(value + entry.value_stored_len());
        if shape.key_len().is_none() {
            let len = u32::try_from(key.len()).expect("a key is at most 512 MB");
            entry.write(header - LONG_KEY_LEN, &len.to_ne_bytes());
        }
        if let Some((at_ms, place)) = expiry {
            entry.write_expiry(at_ms, place);
        }
        entry.write(header, key);
        entry.write_payload(value, payload);
        entry
    }

    /// The same value and clock under another key, without expiry; what the entry owns is moved.
    pub(crate) fn rekey(mut self, key: &[u8], hash: u32) -> Self {
        let owned = self.take_owned();
        self.with_key(key, hash, owned)
    }

    /// A copy under another key, without expiry; a large value is shared until one of the two changes.
    pub(crate) fn duplicate(&self, key: &[u8], hash: u32) -> Self {
        let owned = match self.shape.form() {
            Form::Int | Form::Inline => None,
            Form::Large => self.shared().map(Owned::String),
            Form::Object => self.shared_object().map(Owned::Object),
        };
        self.with_key(key, hash, owned)
    }

    fn with_key(&self, key: &[u8], hash: u32, owned: Option<Owned>) -> Self {
        let payload = match owned {
            Some(Owned::String(large)) => Payload::Large(large),
            Some(Owned::Object(object)) => Payload::Object(object),
            None => match self.string() {
                StringRef::Int(value) => Payload::Int(value),
                StringRef::Bytes(bytes) => Payload::Inline(bytes),
            },
        };
        let mut entry = Self::new(key, hash, payload, None);
        entry.shape = entry.shape.with_modified(self.shape.is_modified());
        entry.clock_and_epoch = self.clock_and_epoch;
        entry
    }

    // --- layout -------------------------------------------------------------------------------------------------

    #[inline]
    fn header_len(&self) -> usize {
        let expiry = if self.shape.has_expiry() { EXPIRY_LEN } else { 0 };
        let long_key = if self.shape.key_len().is_none() { LONG_KEY_LEN } else { 0 };
        expiry + long_key
    }

    #[inline]
    fn key_len(&self) -> usize {
        if let Some(len) = self.shape.key_len() {
            return len;
        }
        u32::from_ne_bytes(self.read(self.header_len() - LONG_KEY_LEN)) as usize
    }

    #[inline]
    fn value_stored_len(&self) -> usize {
        match self.shape.form() {
            Form::Inline => self.shape.inline_len(),
            Form::Int | Form::Large | Form::Object => WORD,
        }
    }

    #[inline]
    fn value_offset(&self) -> usize {
        self.header_len() + self.key_len()
    }

    fn block_len(&self) -> usize {
        self.value_offset() + self.value_stored_len()
    }

    /// `len` initialised bytes of the block.
    #[inline]
    fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        // SAFETY: callers pass ranges that lie in the block by its layout; all bytes are initialised (1).
        unsafe { std::slice::from_raw_parts(self.block.as_ptr().add(offset), len) }
    }

    #[inline]
    fn bytes_mut(&mut self, offset: usize, len: usize) -> &mut [u8] {
        // SAFETY: as in `bytes`, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.block.as_ptr().add(offset), len) }
    }

    #[inline]
    fn read<const N: usize>(&self, offset: usize) -> [u8; N] {
        self.bytes(offset, N).try_into().expect("the slice has this length")
    }

    #[inline]
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        // SAFETY: callers pass ranges that lie in the block by its layout. Raw, because fresh blocks are not initialised yet.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.block.as_ptr().add(offset), bytes.len()) };
    }

    /// Writes a payload that [`describe`] and the block's length already account for.
    fn write_payload(&mut self, offset: usize, payload: Payload<'_>) {
        match payload {
            Payload::Int(value) => self.write(offset, &value.to_ne_bytes()),
            Payload::Inline(bytes) => self.write(offset, bytes),
            Payload::Large(bytes) => self.write_pointer(offset, Arc::into_raw(bytes)),
            Payload::Object(object) => self.write_pointer(offset, Arc::into_raw(object)),
        }
    }

    fn write_pointer<T>(&mut self, offset: usize, raw: *const T) {
        // SAFETY: the value's 8 bytes are in the block; the write is unaligned. It stores a pointer and not its address
        // as a number, so that it keeps its provenance.
        unsafe { self.block.as_ptr().add(offset).cast::<*const T>().write_unaligned(raw) };
    }

    #[inline]
    fn large_ptr(&self) -> *const Vec<u8> {
        debug_assert_eq!(self.shape.form(), Form::Large);
        // SAFETY: with this form the value's 8 bytes are a pointer (2), written unaligned.
        unsafe { self.block.as_ptr().add(self.value_offset()).cast::<*const Vec<u8>>().read_unaligned() }
    }

    #[inline]
    fn object_ptr(&self) -> *const Object {
        debug_assert_eq!(self.shape.form(), Form::Object);
        // SAFETY: with this form the value's 8 bytes are a pointer (2), written unaligned.
        unsafe { self.block.as_ptr().add(self.value_offset()).cast::<*const Object>().read_unaligned() }
    }

    /// Takes out what the entry owns outside of its block; for an entry that is about to get another value or to be dropped.
    pub(crate) fn take_owned(&mut self) -> Option<Owned> {
        // In both cases the 8 bytes are an integer that nobody frees from here on, whatever the caller does.
        match self.shape.form() {
            Form::Int | Form::Inline => None,
            Form::Large => {
                let raw = self.large_ptr();
                self.shape = self.shape.with_value(Form::Int, 0);
                // SAFETY: the pointer came from `Arc::into_raw` and this takes over the entry's count (2).
                Some(Owned::String(unsafe { Arc::from_raw(raw) }))
            }
            Form::Object => {
                let raw = self.object_ptr();
                self.shape = self.shape.with_value(Form::Int, 0);
                // SAFETY: as above.
                Some(Owned::Object(unsafe { Arc::from_raw(raw) }))
            }
        }
    }

    /// Gives the block the shape for `value_len` bytes of value and with or without expiry; the key stays, the
    /// value's bytes stay only if their length does. The caller writes the rest and notes the value in the shape.
    fn reshape(&mut self, expiry: bool, value_len: usize) {
        let (old_header, key_len, old_value) = (self.header_len(), self.key_len(), self.value_stored_len());
        let old_len = old_header + key_len + old_value;
        let had_expiry = self.shape.has_expiry();
        if had_expiry == expiry {
            if old_value != value_len {
                // SAFETY: the block has `old_len` bytes (1) and the old pointer is overwritten.
                self.block = unsafe { resize(self.block, old_len, old_len - old_value + value_len) };
            }
            return;
        }
        let new_header = if expiry { old_header + EXPIRY_LEN } else { old_header - EXPIRY_LEN };
        let fresh = allocate(new_header + key_len + value_len);
        // The expiry comes first: what follows it moves as one piece.
        let (skip_old, skip_new) =
            (if had_expiry { EXPIRY_LEN } else { 0 }, if expiry { EXPIRY_LEN } else { 0 });
        let keep = old_len - skip_old - old_value + old_value.min(value_len);
        // SAFETY: both blocks are at least that long: the old one by its layout, the new one has the same pieces
        // after its expiry with a value of at least the copied part. They are distinct allocations. The old block is
        // freed with its own length and replaced.
        unsafe {
            ptr::copy_nonoverlapping(self.block.as_ptr().add(skip_old), fresh.as_ptr().add(skip_new), keep);
            release(self.block, old_len);
        }
        self.block = fresh;
        self.shape = self.shape.with_expiry(expiry);
    }

    // --- key and value ------------------------------------------------------------------------------------------

    /// Address of the block with key and value; for prefetching.
    #[inline]
    pub(crate) fn block_address(&self) -> usize {
        self.block.as_ptr() as usize
    }

    /// The key.
    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        self.bytes(self.header_len(), self.key_len())
    }

    /// The value.
    #[inline]
    pub(crate) fn value(&self) -> ValueRef<'_> {
        match self.shape.form() {
            // SAFETY: the entry owns a count of this Arc as long as it is borrowed (2).
            Form::Object => ValueRef::Object(unsafe { &*self.object_ptr() }),
            _ => ValueRef::String(self.string()),
        }
    }

    /// The string of an entry that is known to hold one.
    #[inline]
    fn string(&self) -> StringRef<'_> {
        let offset = self.value_offset();
        match self.shape.form() {
            Form::Int => StringRef::Int(i64::from_ne_bytes(self.read(offset))),
            Form::Inline => StringRef::Bytes(self.bytes(offset, self.shape.inline_len())),
            // SAFETY: the entry owns a count of this Arc as long as it is borrowed (2).
            Form::Large => StringRef::Bytes(unsafe { &*self.large_ptr() }.as_slice()),
            Form::Object => unreachable!("an object is no string: handlers check the type first"),
        }
    }

    /// A shared handle to an object.
    pub(crate) fn shared_object(&self) -> Option<Arc<Object>> {
        if self.shape.form() != Form::Object {
            return None;
        }
        let raw = self.object_ptr();
        // SAFETY: the pointer came from `Arc::into_raw` (2); one more count is taken for the handle.
        unsafe {
            Arc::increment_strong_count(raw);
            Some(Arc::from_raw(raw))
        }
    }

    /// The object, to be changed. If a snapshot or a reply still holds it, it is copied first.
    pub(crate) fn object_mut(&mut self) -> Option<&mut Object> {
        let Owned::Object(mut object) = (self.shape.form() == Form::Object).then(|| self.take_owned())??
        else {
            return None;
        };
        Arc::make_mut(&mut object);
        self.shape = self.shape.with_value(Form::Object, 0);
        let offset = self.value_offset();
        self.write_pointer(offset, Arc::into_raw(object));
        // SAFETY: the Arc was just stored, the entry owns the only count of it (`make_mut` saw to that) and `&mut self`
        // keeps anybody from cloning it.
        Some(unsafe { &mut *self.object_ptr().cast_mut() })
    }

    /// When the first field expires, if this is a hash with fields that do.
    #[inline]
    pub(crate) fn next_field_expiry(&self) -> Option<i64> {
        if self.shape.form() != Form::Object {
            return None;
        }
        self.value().aggregate::<Hash>()?.next_expiry()
    }

    /// A shared handle to a large value.
    pub(crate) fn shared(&self) -> Option<Arc<Vec<u8>>> {
        if self.shape.form() != Form::Large {
            return None;
        }
        let raw = self.large_ptr();
        // SAFETY: the pointer came from `Arc::into_raw` (2); one more count is taken for the handle.
        unsafe {
            Arc::increment_strong_count(raw);
            Some(Arc::from_raw(raw))
        }
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.value().kind()
    }

    pub(crate) fn encoding(&self) -> Encoding {
        match self.shape.form() {
            Form::Int => Encoding::Int,
            Form::Inline if !self.shape.is_modified() && self.shape.inline_len() <= EMBSTR_MAX => {
                Encoding::Embstr
            }
            Form::Inline | Form::Large => Encoding::Raw,
            // SAFETY: as in `value`.
            Form::Object => unsafe { &*self.object_ptr() }.encoding(),
        }
    }

    /// Replaces value and expiry at once. A large old value is handed back, for the caller to free outside the lock.
    /// A value of the same stored length is written in place.
    pub(crate) fn replace(&mut self, payload: Payload<'_>, expiry: Option<(i64, u32)>) -> Option<Owned> {
        let old = self.take_owned();
        let (form, inline_len) = describe(&payload);
        let stored = if form == Form::Inline { inline_len } else { WORD };
        self.reshape(expiry.is_some(), stored);
        self.shape = self.shape.with_value(form, inline_len);
        if let Some((at_ms, place)) = expiry {
            self.write_expiry(at_ms, place);
        }
        let offset = self.value_offset();
        self.write_payload(offset, payload);
        old
    }

    /// Overwrites an integer with another one.
    pub(crate) fn set_int(&mut self, value: i64) -> Option<Owned> {
        let expiry = self.expiry();
        self.replace(Payload::Int(value), expiry)
    }

    /// The string as bytes that can be changed in place, after it was grown with zeros to at least `min_len` bytes.
    ///
    /// A string that grows, and one longer than [`INLINE_MAX`], lives in a buffer with spare room from then on; if a
    /// snapshot or a reply still holds that buffer, it is copied first.
    pub(crate) fn string_mut(&mut self, min_len: usize) -> &mut [u8] {
        let len = self.string().len();
        if min_len <= len && self.shape.form() == Form::Inline {
            self.shape = self.shape.with_modified(true);
            let offset = self.value_offset();
            return self.bytes_mut(offset, len);
        }
        if min_len <= len && self.shape.form() == Form::Int {
            let text = IntText::new().format(self.int()).to_vec();
            let expiry = self.expiry();
            self.replace(Payload::Inline(&text), expiry);
            self.shape = self.shape.with_modified(true);
            let offset = self.value_offset();
            return self.bytes_mut(offset, len);
        }
        let buffer = self.buffer_mut(min_len.saturating_sub(len));
        if buffer.len() < min_len {
            buffer.resize(min_len, 0);
        }
        buffer
    }

    /// Appends to the string; amortised O(appended). Returns the new length.
    pub(crate) fn append(&mut self, tail: &[u8]) -> usize {
        let buffer = self.buffer_mut(tail.len());
        buffer.extend_from_slice(tail);
        buffer.len()
    }

    fn int(&self) -> i64 {
        debug_assert_eq!(self.shape.form(), Form::Int);
        i64::from_ne_bytes(self.read(self.value_offset()))
    }

    /// The growable buffer of the string, which becomes a large one if it was not; room for `additional` bytes more
    /// is made on the way if the bytes have to be copied anyway.
    fn buffer_mut(&mut self, additional: usize) -> &mut Vec<u8> {
        let unshared = match self.take_owned() {
            Some(Owned::Object(_)) => unreachable!("an object is no string: handlers check the type first"),
            Some(Owned::String(mut shared)) => match Arc::get_mut(&mut shared) {
                Some(_) => shared,
                None => Arc::new(with_room(&shared, additional)),
            },
            None => {
                let mut scratch = IntText::new();
                let bytes = with_room(self.string().bytes(&mut scratch), additional);
                Arc::new(bytes)
            }
        };
        let expiry = self.expiry();
        self.replace(Payload::Large(unshared), expiry);
        // SAFETY: the Arc was just stored, the entry owns the only count of it (`get_mut` succeeded or it is new) and
        // `&mut self` keeps anybody from cloning it; the data was never borrowed mutably elsewhere.
        unsafe { &mut *self.large_ptr().cast_mut() }
    }

    /// Bytes allocated for this entry beside its slot; of an object `samples` elements are looked at (0: all).
    pub(crate) fn heap_usage(&self, samples: usize) -> usize {
        let large = match self.shape.form() {
            // SAFETY: as in `value`.
            Form::Large => size_of::<Vec<u8>>() + 2 * WORD + unsafe { &*self.large_ptr() }.capacity(),
            // SAFETY: as in `value`.
            Form::Object => {
                size_of::<Object>() + 2 * WORD + unsafe { &*self.object_ptr() }.memory_usage(samples)
            }
            Form::Int | Form::Inline => 0,
        };
        self.block_len() + large
    }

    // --- expiry -------------------------------------------------------------------------------------------------

    /// The expiry in Unix milliseconds.
    #[inline]
    pub(crate) fn expire_at_ms(&self) -> Option<i64> {
        self.shape.has_expiry().then(|| i64::from_ne_bytes(self.read(0)))
    }

    /// The expiry and the place in the volatile list.
    #[inline]
    pub(crate) fn expiry(&self) -> Option<(i64, u32)> {
        let at_ms = self.expire_at_ms()?;
        Some((at_ms, u32::from_ne_bytes(self.read(size_of::<i64>()))))
    }

    /// Sets or removes the expiry, keeping the value.
    pub(crate) fn set_expiry(&mut self, expiry: Option<(i64, u32)>) {
        self.reshape(expiry.is_some(), self.value_stored_len());
        if let Some((at_ms, place)) = expiry {
            self.write_expiry(at_ms, place);
        }
    }

    /// Notes that the entry moved in the volatile list. It has an expiry.
    pub(crate) fn set_volatile_place(&mut self, place: u32) {
        debug_assert!(self.shape.has_expiry(), "only entries with an expiry are in the volatile list");
        self.write(size_of::<i64>(), &place.to_ne_bytes());
    }

    fn write_expiry(&mut self, at_ms: i64, place: u32) {
        self.write(0, &at_ms.to_ne_bytes());
        self.write(size_of::<i64>(), &place.to_ne_bytes());
    }

    // --- clock and epoch ----------------------------------------------------------------------------------------

    #[inline]
    pub(crate) fn clock(&self) -> u32 {
        self.clock_and_epoch & CLOCK_MASK
    }

    /// Stores a new clock; writes memory only if it differs, so that reading a hot key keeps its line clean.
    #[inline]
    pub(crate) fn set_clock(&mut self, clock: u32) {
        let word = self.clock_and_epoch & !CLOCK_MASK | clock & CLOCK_MASK;
        if word != self.clock_and_epoch {
            self.clock_and_epoch = word;
        }
    }

    #[inline]
    pub(crate) fn epoch(&self) -> u8 {
        (self.clock_and_epoch >> 24) as u8
    }

    #[inline]
    pub(crate) fn set_epoch(&mut self, epoch: u8) {
        self.clock_and_epoch = self.clock_and_epoch & CLOCK_MASK | u32::from(epoch) << 24;
    }
}

/// The form and the inline length of a payload.
fn describe(payload: &Payload<'_>) -> (Form, usize) {
    match payload {
        Payload::Int(_) => (Form::Int, 0),
        Payload::Inline(bytes) => (Form::Inline, bytes.len()),
        Payload::Large(_) => (Form::Large, 0),
        Payload::Object(_) => (Form::Object, 0),
    }
}

fn with_room(bytes: &[u8], additional: usize) -> Vec<u8> {
    let mut copy = Vec::with_capacity(bytes.len() + additional);
    copy.extend_from_slice(bytes);
    copy
}

impl Drop for Entry {
    fn drop(&mut self) {
        drop(self.take_owned());
        let len = self.block_len();
        // SAFETY: the block has this length (1) and the entry is not used again. (A large value turned into the
        // integer form of the same length above.)
        unsafe { release(self.block, len) };
    }
}

#[cfg(test)]
mod tests;
