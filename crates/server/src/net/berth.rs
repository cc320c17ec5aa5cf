//! Where a connection lies while a worker serves it, and from where another thread can take it.

use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A place for one connection. It is locked while the connection is polled.
pub(crate) struct Berth<T>(Mutex<Option<T>>);

impl<T> Berth<T> {
    /// A place with a connection in it.
    pub(crate) fn new(connection: T) -> Self {
        Self(Mutex::new(Some(connection)))
    }

    /// Takes the connection, if nobody is busy with it and it is `wanted`.
    pub(crate) fn try_take(&self, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        let mut place = self.0.try_lock()?;
        if place.as_ref().is_some_and(wanted) { place.take() } else { None }
    }
}

/// The future of what lies in a berth; over when that is over, or gone.
pub(crate) struct InBerth<T>(pub(crate) Arc<Berth<T>>);

impl<T: Future<Output = ()> + Unpin> Future for InBerth<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut place = self.0.0.lock();
        let Some(connection) = place.as_mut() else { return Poll::Ready(()) };
        let polled = Pin::new(connection).poll(cx);
        if polled.is_ready() {
            *place = None;
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{Ready, pending, ready};
    use std::task::Waker;

    #[test]
    fn what_is_taken_is_gone() {
        let mut cx = Context::from_waker(Waker::noop());
        let berth = Arc::new(Berth::new(Box::pin(pending::<()>())));
        let mut served = InBerth(Arc::clone(&berth));
        assert!(Pin::new(&mut served).poll(&mut cx).is_pending());
        assert!(berth.try_take(|_| false).is_none());
        assert!(berth.try_take(|_| true).is_some());
        assert!(berth.try_take(|_| true).is_none());
        assert!(Pin::new(&mut served).poll(&mut cx).is_ready());
    }

    #[test]
    fn what_is_over_is_dropped() {
        let mut cx = Context::from_waker(Waker::noop());
        let berth: Arc<Berth<Ready<()>>> = Arc::new(Berth::new(ready(())));
        assert!(Pin::new(&mut InBerth(Arc::clone(&berth))).poll(&mut cx).is_ready());
        assert!(berth.try_take(|_| true).is_none());
    }
}
