//! The few system calls the standard library has no words for.
//!
//! Each function wraps one call; the arguments are plain numbers or live for the length of the call.
#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Whether this process may do what root may.
pub(super) fn is_root() -> bool {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// Ends every process of the group led by `leader`. A group that is already gone is fine.
pub(super) fn kill_group(leader: u32) {
    if let Ok(group) = libc::pid_t::try_from(leader) {
        // SAFETY: takes two numbers; an unknown group is an error code, which means there is nothing to do.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
}

/// Makes the kernel end the command's process when the thread that spawns it ends, however that comes about
/// (an interrupt from the keyboard does not reach another process group).
pub(super) fn end_with_parent(command: &mut Command) {
    // SAFETY: between fork and exec only one system call is made, which allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        });
    }
}

/// Reaps every child (orphans land here when this is the first process of a process table) until `wanted`
/// ends, and returns its exit code, or 128 plus the signal that ended it.
pub(super) fn reap_until(wanted: u32) -> io::Result<i32> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is a valid place for the call to write to.
        let pid = unsafe { libc::waitpid(-1, &mut status, 0) };
        if pid < 0 {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        }
        if u32::try_from(pid) == Ok(wanted) {
            let exited = libc::WIFEXITED(status);
            return Ok(if exited { libc::WEXITSTATUS(status) } else { 128 + libc::WTERMSIG(status) });
        }
    }
}

/// Brings the loopback device of the current network namespace up.
pub(super) fn bring_loopback_up() -> io::Result<()> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: all-zero is a valid `ifreq`, a struct of numbers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo\0") {
        *to = *from as libc::c_char;
    }
    let device = std::os::fd::AsRawFd::as_raw_fd(&socket);
    // SAFETY: the socket is open and `request` is what this request number reads and writes.
    if unsafe { libc::ioctl(device, libc::SIOCGIFFLAGS, &mut request) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above filled in the flags, so that field of the union is the valid one.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    request.ifr_ifru.ifru_flags = flags | libc::IFF_UP as libc::c_short;
    // SAFETY: as above.
    if unsafe { libc::ioctl(device, libc::SIOCSIFFLAGS, &request) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
