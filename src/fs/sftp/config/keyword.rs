//! The keywords of ssh_config(5) and the form of their values, as far as a connection depends on
//! them. Plain tables; must never hold a value.

use super::algorithms::Family;

/// What is to be done with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Host,
    Match,
    Include,
    /// One word, of which the first that is obtained counts.
    Value(&'static str, Form),
    /// Files or names, of which the first line that is obtained counts.
    List(&'static str),
    /// A file for each line, all of which count.
    Each(&'static str),
    ProxyCommand,
    ProxyJump,
    /// A number of bytes and perhaps a time, of which the first that is obtained counts of each.
    RekeyLimit,
    /// Ends the connection before it begins; the rest of the line says why.
    Refuse,
    /// Known, and of no matter to a transfer of files; or of no matter to ssh any more.
    Ignored,
}

/// What a single word may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// One of these, whatever its case.
    OneOf(&'static [&'static str]),
    /// Section TIME FORMATS of sshd_config(5), in seconds; or `none`.
    Time,
    Count,
    Port,
    /// A name with `%h` and `%%` in it.
    HostName,
    Agent,
    Algorithms(Family),
}

const FLAG: Form = Form::OneOf(&["yes", "no", "true", "false"]);

/// What a keyword, in lower case, means; `None` for those that nobody knows.
pub(super) fn keyword(name: &str) -> Option<Keyword> {
    use Form::*;
    use Keyword::*;
    Some(match name {
        "host" => Host,
        "match" => Match,
        "include" => Include,
        "proxycommand" => ProxyCommand,
        "proxyjump" => ProxyJump,
        "rekeylimit" => RekeyLimit,
        "refuseconnection" => Refuse,

        "hostname" => Value("hostname", HostName),
        "user" => Value("user", Text),
        "port" => Value("port", Port),
        "addressfamily" => Value("addressfamily", OneOf(&["any", "inet", "inet6"])),
        "connecttimeout" => Value("connecttimeout", Time),
        "serveraliveinterval" => Value("serveraliveinterval", Time),
        "serveralivecountmax" => Value("serveralivecountmax", Count),
        "tag" => Value("tag", Text),
        "ignoreunknown" => Value("ignoreunknown", Text),

        "identityfile" | "identityfile2" => Each("identityfile"),
        "certificatefile" => Each("certificatefile"),
        "identitiesonly" => Value("identitiesonly", FLAG),
        "identityagent" => Value("identityagent", Agent),
        "pubkeyauthentication" | "dsaauthentication" => {
            Value("pubkeyauthentication", OneOf(&["yes", "no", "true", "false", "unbound", "host-bound"]))
        }
        "passwordauthentication" => Value("passwordauthentication", FLAG),
        "kbdinteractiveauthentication"
        | "challengeresponseauthentication"
        | "skeyauthentication"
        | "tisauthentication" => Value("kbdinteractiveauthentication", FLAG),
        "preferredauthentications" => Value("preferredauthentications", Text),
        "numberofpasswordprompts" => Value("numberofpasswordprompts", Count),

        "userknownhostsfile" => List("userknownhostsfile"),
        "globalknownhostsfile" => List("globalknownhostsfile"),
        "stricthostkeychecking" => {
            Value("stricthostkeychecking", OneOf(&["yes", "no", "true", "false", "ask", "off", "accept-new"]))
        }
        "hashknownhosts" => Value("hashknownhosts", FLAG),
        "hostkeyalias" => Value("hostkeyalias", Text),
        "checkhostip" => Value("checkhostip", FLAG),
        "revokedhostkeys" => Value("revokedhostkeys", Text),

        "ciphers" => Value("ciphers", Algorithms(Family::Cipher)),
        "macs" => Value("macs", Algorithms(Family::Mac)),
        "kexalgorithms" => Value("kexalgorithms", Algorithms(Family::Kex)),
        "hostkeyalgorithms" => Value("hostkeyalgorithms", Algorithms(Family::Key)),
        "pubkeyacceptedalgorithms" | "pubkeyacceptedkeytypes" => {
            Value("pubkeyacceptedalgorithms", Algorithms(Family::Key))
        }

        "canonicalizehostname" => {
            Value("canonicalizehostname", OneOf(&["yes", "no", "true", "false", "always"]))
        }
        "canonicalizemaxdots" => Value("canonicalizemaxdots", Count),
        "canonicalizefallbacklocal" => Value("canonicalizefallbacklocal", FLAG),
        "canonicaldomains" => List("canonicaldomains"),
        "canonicalizepermittedcnames" => List("canonicalizepermittedcnames"),

        _ => return IGNORED.contains(&name).then_some(Ignored),
    })
}

/// Terminals, forwarding, multiplexing, logs; options that ssh has given up; and those that come
/// with GSSAPI or on other systems.
const IGNORED: &[&str] = &[
    "addkeystoagent",
    "afstokenpassing",
    "batchmode",
    "bindaddress",
    "bindinterface",
    "casignaturealgorithms",
    "channeltimeout",
    "cipher",
    "clearallforwardings",
    "compression",
    "compressionlevel",
    "connectionattempts",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "dynamicforward",
    "enableescapecommandline",
    "enablesshkeysign",
    "escapechar",
    "exitonforwardfailure",
    "fallbacktorsh",
    "fingerprinthash",
    "forkafterauthentication",
    "forwardagent",
    "forwardx11",
    "forwardx11timeout",
    "forwardx11trusted",
    "gatewayports",
    "globalknownhostsfile2",
    "gssapiauthentication",
    "gssapiclientidentity",
    "gssapidelegatecredentials",
    "gssapikexalgorithms",
    "gssapikeyexchange",
    "gssapirenewalforcesrekey",
    "gssapiserveridentity",
    "gssapitrustdns",
    "hostbasedacceptedalgorithms",
    "hostbasedauthentication",
    "hostbasedkeytypes",
    "ipqos",
    "kbdinteractivedevices",
    "keepalive",
    "kerberosauthentication",
    "kerberostgtpassing",
    "knownhostscommand",
    "localcommand",
    "localforward",
    "loglevel",
    "logverbose",
    "nohostauthenticationforlocalhost",
    "obscurekeystroketiming",
    "permitlocalcommand",
    "permitremoteopen",
    "pkcs11provider",
    "protocol",
    "proxyusefdpass",
    "remotecommand",
    "remoteforward",
    "requesttty",
    "requiredrsasize",
    "rhostsauthentication",
    "rhostsrsaauthentication",
    "rsaauthentication",
    "securitykeyprovider",
    "sendenv",
    "sessiontype",
    "setenv",
    "smartcarddevice",
    "stdinnull",
    "streamlocalbindmask",
    "streamlocalbindunlink",
    "syslogfacility",
    "tcpkeepalive",
    "tunnel",
    "tunneldevice",
    "updatehostkeys",
    "useprivilegedport",
    "userknownhostsfile2",
    "useroaming",
    "usersh",
    "verifyhostkeydns",
    "versionaddendum",
    "visualhostkey",
    "warnweakcrypto",
    "xauthlocation",
];
