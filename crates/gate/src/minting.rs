use std::sync::Arc;

use access::{Ahead, Code, Mint, Receipt, Refusal, RequestId, Terms, Verdict};
use audit::NotAppended;

use crate::controls::Controls;

/// The one place where permits are made.
pub(crate) struct Minting {
    mint: Mint,
    controls: Arc<Controls>,
}

impl Minting {
    pub(crate) fn new(mint: Mint, controls: Arc<Controls>) -> Self {
        Self { mint, controls }
    }

    /// A permit for the command whose intent is durable, or the refusal of one that is not.
    pub(crate) fn permitted(
        &self,
        request: RequestId,
        terms: Terms,
        recorded: Result<Receipt, NotAppended>,
    ) -> Verdict {
        match recorded {
            Ok(receipt) => Verdict::Allow(self.mint.permit(request, receipt, terms)),
            Err(_) => {
                self.controls.not_recorded();
                Verdict::Deny(not_recorded(request))
            }
        }
    }

    /// Leave to send one that only reads ahead of its permit.
    pub(crate) fn ahead(&self, request: RequestId) -> Ahead {
        self.mint.ahead(request)
    }
}

pub(crate) fn not_recorded(request: RequestId) -> Box<Refusal> {
    let detail = "no entry of it could be made durable".into();
    Box::new(Refusal { code: Code::NotRecorded, request, detail, columns: Vec::new(), policies: Vec::new() })
}
