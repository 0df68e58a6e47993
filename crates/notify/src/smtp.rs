//! Mail, by SMTP (RFC 5321).

use access::Secret;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use proxy::Trust;
use tokio::time::timeout;

use crate::channel::{Mail, MailTls};
use crate::send::{Failed, TIME_MAX};

/// Hands one mail to the server. `machine` is how this one introduces itself.
///
/// # Errors
/// [`Failed`].
pub(crate) async fn send(
    mail: &Mail,
    trust: &Trust,
    password: Option<&Secret>,
    machine: &str,
    message: &[u8],
) -> Result<(), Failed> {
    let address = |text: &str| text.parse::<Address>().map_err(|_| Failed::because("an address is none"));
    let to = mail.to.iter().map(|to| address(to)).collect::<Result<_, _>>()?;
    let envelope = Envelope::new(Some(address(&mail.from)?), to)
        .map_err(|_| Failed::because("there is nobody to send it to"))?;
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&*mail.host)
        .port(mail.port)
        .hello_name(ClientId::Domain(machine.to_owned()))
        .timeout(Some(TIME_MAX))
        .tls(match mail.tls {
            MailTls::None => Tls::None,
            MailTls::StartTls => Tls::Required(parameters(&mail.host, trust)?),
            MailTls::Implicit => Tls::Wrapper(parameters(&mail.host, trust)?),
        });
    if let (Some((user, _)), Some(password)) = (&mail.credential, password) {
        let password = password.expose_str().unwrap_or_default().to_owned();
        transport = transport.credentials(Credentials::new(user.to_string(), password));
    }
    let sent = timeout(TIME_MAX * 2, transport.build().send_raw(&envelope, message)).await;
    match sent {
        Ok(Ok(_)) => Ok(()),
        // What the server says in words may repeat what it was sent.
        Ok(Err(error)) => Err(Failed::because(match error.status() {
            Some(code) => format!("the mail server answers {code}"),
            None if error.is_client() => "it offers no STARTTLS, or no way to sign in".into(),
            None if error.is_timeout() => "no answer in time".into(),
            None => {
                "it cannot be reached, its certificate is not accepted, or the conversation broke off".into()
            }
        })),
        Err(_) => Err(Failed::because("no answer in time")),
    }
}

/// Whether a text is a mailbox's address (RFC 5321 §4.1.2), without a name beside it.
pub fn is_address(text: &str) -> bool {
    text.is_ascii() && text.parse::<Address>().is_ok()
}

fn parameters(host: &str, trust: &Trust) -> Result<TlsParameters, Failed> {
    let parameters = TlsParameters::builder(host.to_owned());
    let (parameters, own) = match trust {
        Trust::Platform => (parameters, None),
        Trust::Only(own) => (parameters.certificate_store(CertificateStore::None), Some(own)),
        Trust::PlatformAnd(own) => (parameters, Some(own)),
    };
    let parameters = own.into_iter().flatten().try_fold(parameters, |parameters, one| {
        Certificate::from_der(one.as_ref().to_vec()).map(|one| parameters.add_root_certificate(one))
    });
    let parameters =
        parameters.map_err(|_| Failed::because("there is nothing to verify its certificate by"))?;
    parameters.build().map_err(|_| Failed::because("there is nothing to verify its certificate by"))
}
