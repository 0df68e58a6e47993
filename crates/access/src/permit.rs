use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{DataClass, RequestId, SessionId};

/// Proof that one command may go upstream, and the terms for its answer.
///
/// It is made only by the gate, only after the command's entry is durable (DESIGN.md, promise 5), and
/// spent once: it is neither `Clone` nor `Copy`, and sending a command consumes it.
///
/// A permit cannot be made from its parts:
/// ```compile_fail,E0451
/// use access::{Permit, Receipt, RequestId, Terms};
/// fn forge(request: RequestId, receipt: Receipt, terms: Terms) -> Permit {
///     Permit { request, receipt, terms }
/// }
/// ```
/// nor copied:
/// ```compile_fail,E0599
/// fn twice(permit: access::Permit) -> (access::Permit, access::Permit) { (permit.clone(), permit) }
/// ```
/// nor used twice:
/// ```compile_fail,E0382
/// fn spend(_: access::Permit) {}
/// fn twice(permit: access::Permit) { spend(permit); spend(permit) }
/// ```
/// nor minted without the one [`Mint`], which is not to be had from its parts either:
/// ```compile_fail,E0423
/// let mint = access::Mint(());
/// ```
#[derive(Debug)]
#[must_use]
pub struct Permit {
    request: RequestId,
    receipt: Receipt,
    terms: Terms,
}

impl Permit {
    /// A permit for a command of a rehearsal, with the strictest terms. It opens nothing else: a lane spends a permit on the
    /// command that it names alone, and no other session is [`SessionId::REHEARSAL`].
    pub fn of_rehearsal(number: u32) -> Self {
        let request = SessionId::REHEARSAL.request(number);
        Self { request, receipt: Receipt { index: u64::MAX }, terms: Terms::default() }
    }

    /// The command it is for.
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// Where the command's entry stands in the audit log.
    pub fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// What must be done to the answer.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }
}

/// Leave to send one reading command upstream while its entry is still being flushed.
///
/// It releases nothing: the answer waits for the [`Permit`] that follows. Made by the gate only, and
/// spent once, like a permit.
#[derive(Debug)]
#[must_use]
pub struct Ahead {
    request: RequestId,
}

impl Ahead {
    /// The command it is for.
    pub fn request(&self) -> RequestId {
        self.request
    }
}

/// The right to make permits. One exists in a process, and the gate holds it.
#[derive(Debug)]
pub struct Mint(());

impl Mint {
    /// Takes the process's one mint; `None` when it is taken.
    pub fn take() -> Option<Self> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        (!TAKEN.swap(true, Ordering::AcqRel)).then_some(Self(()))
    }

    /// A mint for tests of what spends permits. `panguard/tests` checks that no product code calls it.
    #[doc(hidden)]
    pub fn for_tests() -> Self {
        Self(())
    }

    /// A permit for the command whose entry `receipt` proves durable.
    pub fn permit(&self, request: RequestId, receipt: Receipt, terms: Terms) -> Permit {
        Permit { request, receipt, terms }
    }

    /// Leave to send a reading command ahead of its permit.
    pub fn ahead(&self, request: RequestId) -> Ahead {
        Ahead { request }
    }
}

/// Says that an entry is durable: a crash after this keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's index in this gateway's log.
    pub index: u64,
}

/// The obligations of a permit, as a lane applies them to the answer.
///
/// The default is the strictest: nothing may be revealed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Data classes whose values may pass as they are. `sad` has no effect here: it never passes.
    pub reveal: BTreeSet<DataClass>,
    /// Whether errors and notices may pass as the upstream words them: no class is in reach
    /// ([`Facts::in_reach`](crate::Facts::in_reach)) that may not be revealed.
    pub tells_errors: bool,
    /// How many rows the command may touch; if it touches more it is rolled back. `None`: as many as it does.
    pub rows_max: Option<u64>,
    /// Classes whose labelled values may pass as they are, but only so many of them.
    pub metered: Option<Metered>,
}

/// Values that may be revealed one by one: each counts, and is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metered {
    /// Their classes. `sad` has no effect here either.
    pub classes: BTreeSet<DataClass>,
    /// How many in all.
    pub values_max: u32,
}

impl Terms {
    /// Whether labelled values of `class` may pass as they are, up to a number of them.
    pub fn meters(&self, class: &DataClass) -> bool {
        *class != DataClass::Sad && self.metered.as_ref().is_some_and(|it| it.classes.contains(class))
    }

    /// Whether values of `class` may pass as they are.
    pub fn reveals(&self, class: &DataClass) -> bool {
        *class != DataClass::Sad && self.reveal.contains(class)
    }
}
