//! Crash tests: a disk that fails at any step and forgets what was not synced.

use super::*;
use crate::aof::{AofReader, ReadError, Record};
use proptest::prelude::*;
use redan_resp::encode_command;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A disk in memory. Names and contents are separate, as they are on a real one.
#[derive(Clone, Debug, Default)]
struct SimDisk(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
struct Disk {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    /// What was done to names since they were synced.
    pending: Vec<NameChange>,
    durable: BTreeMap<String, usize>,
    /// Operations until one fails, and how many do.
    fails_in: Option<(u32, u32)>,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    data: Vec<u8>,
    synced: Vec<u8>,
    /// A sync failed: what lies from here on is gone unless it is written again.
    poisoned_from: Option<usize>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Put(String, usize),
    Remove(String),
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            NameChange::Put(name, inode) => {
                names.retain(|_, other| other != inode);
                names.insert(name.clone(), *inode);
            }
            NameChange::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Disk {
    fn step(&mut self) -> io::Result<()> {
        match &mut self.fails_in {
            Some((0, 0)) => self.fails_in = None,
            Some((0, left)) => {
                *left -= 1;
                return Err(io::ErrorKind::StorageFull.into());
            }
            Some((until, _)) => *until -= 1,
            None => {}
        }
        Ok(())
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }
}

impl SimDisk {
    /// The power fails. `luck` decides what of the unsynced got to the disk.
    fn crash(&self, luck: u64) {
        let mut luck = fastrand::Rng::with_seed(luck);
        let mut disk = self.0.lock().unwrap();
        let kept = luck.usize(0..=disk.pending.len());
        let pending: Vec<_> = disk.pending.drain(..).take(kept).collect();
        let mut names = disk.durable.clone();
        pending.iter().for_each(|change| change.apply(&mut names));
        disk.names = names.clone();
        disk.durable = names;
        disk.fails_in = None;
        for inode in &mut disk.inodes {
            let mut data = inode.synced.clone();
            if inode.data.starts_with(&data) && inode.poisoned_from.is_none() {
                let more = luck.usize(0..=inode.data.len() - data.len());
                data = inode.data[..data.len() + more].to_vec();
            }
            *inode = Inode { synced: data.clone(), data, poisoned_from: None };
        }
    }

    fn fail(&self, after: u32, times: u32) {
        self.0.lock().unwrap().fails_in = Some((after, times));
    }
}

#[derive(Clone, Debug)]
struct SimFile(SimDisk, usize);

impl Storage for SimDisk {
    type File = SimFile;

    fn open(&self, name: &str, truncate: bool) -> io::Result<SimFile> {
        let mut disk = self.0.lock().unwrap();
        disk.step()?;
        let inode = match disk.names.get(name) {
            Some(&inode) => inode,
            None => {
                disk.inodes.push(Inode::default());
                let inode = disk.inodes.len() - 1;
                disk.change(NameChange::Put(name.to_owned(), inode));
                inode
            }
        };
        if truncate {
            disk.inodes[inode].data.clear();
            disk.inodes[inode].poisoned_from = None;
        }
        Ok(SimFile(self.clone(), inode))
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.read(name).map(|data| data.len() as u64)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let disk = self.0.lock().unwrap();
        let inode = *disk.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(disk.inodes[inode].data.clone())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.step()?;
        let inode = *disk.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        disk.change(NameChange::Put(to.to_owned(), inode));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.step()?;
        disk.change(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.step()?;
        disk.durable = disk.names.clone();
        disk.pending.clear();
        Ok(())
    }
}

impl StorageFile for SimFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.0.lock().unwrap();
        let failed = disk.step();
        let inode = &mut disk.inodes[self.1];
        match failed {
            // A full disk takes some of it.
            Err(error) if bytes.len() < 2 => Err(error),
            Err(_) => {
                inode.data.extend_from_slice(&bytes[..bytes.len() / 2]);
                disk.fails_in = Some((0, 1));
                Ok(bytes.len() / 2)
            }
            Ok(()) => {
                inode.data.extend_from_slice(bytes);
                Ok(bytes.len())
            }
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut disk = self.0.0.lock().unwrap();
        disk.step()?;
        let inode = &mut disk.inodes[self.1];
        inode.data.truncate(len as usize);
        inode.poisoned_from = inode.poisoned_from.filter(|&from| from < len as usize);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.0.0.lock().unwrap();
        let failed = disk.step();
        let inode = &mut disk.inodes[self.1];
        if failed.is_err() {
            let from = inode.synced.len().min(inode.data.len());
            inode.poisoned_from = Some(inode.poisoned_from.map_or(from, |old| old.min(from)));
            return failed;
        }
        if let Some(from) = inode.poisoned_from {
            // Pages that were marked clean are not written, whatever the system says.
            inode.data[from..].fill(0);
        }
        inode.synced = inode.data.clone();
        Ok(())
    }
}

const STEM: &str = "a.aof";
const TEMP: &str = "temp-rewriteaof-bg-1.aof";

/// A server that writes numbers: it appends, syncs, acknowledges.
struct Writer {
    disk: SimDisk,
    store: AofStore<SimDisk>,
    /// Numbers up to here were written by clients.
    written: u64,
    /// Up to here they are in the file.
    appended: u64,
    /// Up to here they are acknowledged.
    acked: u64,
    /// A base of all numbers up to here is being made; the increment behind it.
    rewrite: Option<(u64, i64)>,
}

fn number(name: &[u8], number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    encode_command(&mut out, [name, number.to_string().as_bytes()].into_iter());
    out
}

impl Writer {
    /// Begins on a disk, which holds numbers up to `written`.
    fn begin(disk: &SimDisk, written: u64) -> Self {
        let manifest = load_manifest(disk, STEM).expect("the manifest is always valid");
        let base = number(b"BASE", 0);
        let base = manifest.is_empty().then_some((base.as_slice(), BaseFormat::Commands));
        let mut store = AofStore::new(disk.clone(), STEM, manifest.clone());
        store.open(0, base).expect("the disk is fine at the start");
        Self { disk: disk.clone(), store, written, appended: written, acked: written, rewrite: None }
    }

    fn write(&mut self, count: u64) {
        self.written += count;
        self.pump();
    }

    /// What the server's thread does with `appendfsync always`.
    fn pump(&mut self) {
        let bytes: Vec<u8> = (self.appended + 1..=self.written).flat_map(|n| number(b"ADD", n)).collect();
        if self.store.append(&bytes).is_err() {
            return;
        }
        match self.store.sync() {
            Ok(()) => (self.appended, self.acked) = (self.written, self.written),
            // Nothing since the last sync counts: the cursor stays where it is.
            Err(_) => self.appended = self.acked,
        }
    }

    fn begin_rewrite(&mut self) {
        if self.rewrite.is_none() && self.appended == self.written {
            let cut = self.written;
            self.rewrite = self.store.switch(0).ok().map(|seq| (cut, seq));
        }
    }

    fn end_rewrite(&mut self) {
        let Some((cut, seq)) = self.rewrite.take() else { return };
        let made = self.disk.open(TEMP, true).and_then(|file| {
            write_all(&file, &number(b"BASE", cut))?;
            file.sync()
        });
        let published = made.and_then(|()| self.store.publish(TEMP, BaseFormat::Commands, Some(seq), 0));
        if published.is_ok() {
            let _ = self.store.remove_history();
        }
    }

    /// Loads what is on the disk, as a restart does; returns up to which number.
    fn load(disk: &SimDisk) -> u64 {
        let manifest = load_manifest(disk, STEM).expect("the manifest is always valid");
        let mut last = 0;
        let files: Vec<_> = manifest.files().collect();
        for (index, file) in files.iter().enumerate() {
            let data = disk.read(&file.name).expect("the manifest names files that exist");
            let mut reader = AofReader::new(data.as_slice(), 0);
            let mut good = 0;
            loop {
                match reader.next_record() {
                    Ok(Some(Record::Command(args, _))) => {
                        let number = std::str::from_utf8(&args[1]).unwrap().parse().unwrap();
                        if &args[0] == b"ADD" {
                            assert_eq!(number, last + 1, "a number is missing or doubled");
                        }
                        last = number;
                    }
                    Ok(Some(Record::Annotation(_))) => {}
                    Ok(None) => break,
                    Err(ReadError::UnexpectedEof) if index + 1 == files.len() => {
                        disk.open(&file.name, false).unwrap().set_len(good).unwrap();
                        break;
                    }
                    Err(error) => panic!("{} is damaged: {error}", file.name),
                }
                good = reader.offset();
            }
        }
        last
    }
}

#[derive(Debug, Clone)]
enum Op {
    Write(u64),
    Pump,
    BeginRewrite,
    EndRewrite,
    Fail(u32, u32),
    Crash(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (1u64..4).prop_map(Op::Write),
        2 => Just(Op::Pump),
        2 => Just(Op::BeginRewrite),
        2 => Just(Op::EndRewrite),
        2 => (0u32..12, 1u32..4).prop_map(|(after, times)| Op::Fail(after, times)),
        1 => any::<u64>().prop_map(Op::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_acknowledged_write_is_missing_after_a_crash(ops in prop::collection::vec(op(), 1..60)) {
        let disk = SimDisk::default();
        let mut writer = Writer::begin(&disk, 0);
        for op in ops.iter().chain(&[Op::Crash(7)]) {
            match *op {
                Op::Write(count) => writer.write(count),
                Op::Pump => writer.pump(),
                Op::BeginRewrite => writer.begin_rewrite(),
                Op::EndRewrite => writer.end_rewrite(),
                Op::Fail(after, times) => disk.fail(after, times),
                Op::Crash(luck) => {
                    disk.crash(luck);
                    let loaded = Writer::load(&disk);
                    prop_assert!((writer.acked..=writer.written).contains(&loaded));
                    writer = Writer::begin(&disk, loaded);
                }
            }
        }
    }
}

#[test]
fn a_disk_that_was_full_goes_on_where_it_stopped() {
    let disk = SimDisk::default();
    let mut writer = Writer::begin(&disk, 0);
    writer.write(2);
    disk.fail(0, 8);
    writer.write(3);
    assert_eq!((writer.acked, writer.written), (2, 5));
    disk.0.lock().unwrap().fails_in = None;
    writer.pump();
    assert_eq!(writer.acked, 5);
    disk.crash(1);
    assert_eq!(Writer::load(&disk), 5);
}

#[test]
fn an_aof_that_is_switched_on_appears_as_a_whole() {
    let disk = SimDisk::default();
    let mut store = AofStore::new(disk.clone(), STEM, Manifest::default());
    store.open_temp().unwrap();
    store.append(&number(b"ADD", 8)).unwrap();
    assert!(load_manifest(&disk, STEM).unwrap().is_empty());
    let base = disk.open(TEMP, true).unwrap();
    write_all(&base, &number(b"BASE", 7)).unwrap();
    base.sync().unwrap();
    store.publish(TEMP, BaseFormat::Commands, None, 70).unwrap();
    disk.crash(3);
    assert_eq!(Writer::load(&disk), 8);
    let manifest = load_manifest(&disk, STEM).unwrap().to_string();
    assert_eq!(
        manifest,
        "file a.aof.1.base.aof seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i startoffset 70\n"
    );
}

#[test]
fn a_closed_file_says_where_it_ends() {
    let disk = SimDisk::default();
    let mut writer = Writer::begin(&disk, 0);
    writer.write(1);
    writer.store.close(44).unwrap();
    let incr = |disk: &SimDisk| load_manifest(disk, STEM).unwrap().incr[0].clone();
    assert_eq!((incr(&disk).start_offset, incr(&disk).end_offset), (Some(0), Some(44)));
    let _again = Writer::begin(&disk, 1);
    assert_eq!(incr(&disk).end_offset, None, "it goes on");
}
