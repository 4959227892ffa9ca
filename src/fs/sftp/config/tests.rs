//! What becomes of the answers of `ssh -G`. The real one is asked in `tests/ssh_config.rs`.

use super::*;

const CAPTURED: &str = "\
host Web
user ann
hostname web-01.example.org
port 2222
addressfamily inet6
batchmode no
canonicalizefallbacklocal yes
checkhostip no
hashknownhosts yes
identitiesonly yes
kbdinteractiveauthentication no
passwordauthentication yes
pubkeyauthentication unbound
stricthostkeychecking true
connectionattempts 1
numberofpasswordprompts 2
serveralivecountmax 5
serveraliveinterval 120
ciphers aes256-gcm@openssh.com,aes128-ctr
hostkeyalgorithms ssh-ed25519,rsa-sha2-512
hostkeyalias web
identityagent ~/agent-%r.sock
kexalgorithms curve25519-sha256
preferredauthentications publickey,password
revokedhostkeys /etc/ssh/revoked
identityfile ~/.ssh/key of %n
identityfile %d/keys/%h-%p-%r-%u-%i-%k-%%
identityfile none
identityfile ${WHARF_UNSET_VARIABLE}/key
certificatefile ~/.ssh/cert.pub
canonicaldomains none
globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2
userknownhostsfile /home/ann/my files/known_hosts ~/second
connecttimeout 15
proxyjump bob@gate:2200,[2001:db8::1]:22,2001:db8::2,ssh://eve@deep:24
";

fn local() -> Local {
    Local { user: "ann".into(), home: "/home/ann".into(), uid: 1000, host: "desk.example.org".into() }
}

fn parsed(text: &str) -> HostConfig {
    parse("Web", &Answer::new(text.as_bytes()), &local()).unwrap()
}

fn minimal(more: &str) -> HostConfig {
    parsed(&format!("user ann\nhostname web\nport 22\n{more}\n"))
}

#[test]
fn a_captured_answer() {
    let config = parsed(CAPTURED);
    assert_eq!(
        (config.hostname.as_str(), config.user.as_str(), config.port),
        ("web-01.example.org", "ann", 2222)
    );
    let keys = ["/home/ann/.ssh/key of Web", "/home/ann/keys/web-01.example.org-2222-ann-ann-1000-web-%"];
    assert_eq!(config.identity_files, keys.map(PathBuf::from));
    assert!(config.identities_only);
    assert_eq!(config.agent, Agent::Socket("/home/ann/agent-ann.sock".into()));
    assert_eq!(config.certificate_files, [PathBuf::from("/home/ann/.ssh/cert.pub")]);
    let known = ["/home/ann/my files/known_hosts", "/home/ann/second"];
    assert_eq!(config.user_known_hosts, known.map(PathBuf::from));
    assert_eq!(config.global_known_hosts.len(), 2);
    assert_eq!(config.strict_host_key_checking, StrictHostKeyChecking::Yes);
    assert!(config.hash_known_hosts && !config.check_host_ip);
    assert_eq!(config.known_as(), ("web", 22));
    assert_eq!(config.revoked_host_keys, Some("/etc/ssh/revoked".into()));
    let hop = |host: &str, user: Option<&str>, port| Jump {
        host: host.into(),
        user: user.map(str::to_owned),
        port,
    };
    assert_eq!(
        config.jumps,
        [
            hop("gate", Some("bob"), Some(2200)),
            hop("2001:db8::1", None, Some(22)),
            hop("2001:db8::2", None, None),
            hop("deep", Some("eve"), Some(24)),
        ]
    );
    assert_eq!(config.connect_timeout, Some(Duration::from_secs(15)));
    assert_eq!(config.server_alive_interval, Some(Duration::from_secs(120)));
    assert_eq!((config.server_alive_count_max, config.number_of_password_prompts), (5, 2));
    assert_eq!(config.address_family, AddressFamily::Inet6);
    assert!(config.pubkey_authentication && config.password_authentication);
    assert!(!config.kbd_interactive_authentication);
    assert_eq!(config.preferred_authentications, ["publickey", "password"]);
    assert_eq!(config.ciphers, ["aes256-gcm@openssh.com", "aes128-ctr"]);
    assert_eq!(config.kex_algorithms, ["curve25519-sha256"]);
    assert_eq!(config.host_key_algorithms, ["ssh-ed25519", "rsa-sha2-512"]);
}

#[test]
fn what_is_not_said_has_defaults() {
    let config = minimal(
        "connecttimeout none\nserveraliveinterval 0\nproxyjump none\nproxycommand none\nuserknownhostsfile none",
    );
    assert_eq!(config.connect_timeout, None);
    assert_eq!(config.server_alive_interval, None);
    assert_eq!(config.agent, Agent::Environment);
    assert_eq!(config.strict_host_key_checking, StrictHostKeyChecking::Ask);
    assert!(config.jumps.is_empty() && config.proxy_command.is_none() && config.user_known_hosts.is_empty());
    assert_eq!(config.known_as(), ("web", 22));
    assert_eq!(minimal("userknownhostsfile /dev/null").user_known_hosts, [PathBuf::from("/dev/null")]);
}

#[test]
fn the_words_of_each_setting() {
    use StrictHostKeyChecking::*;
    let words = [
        ("yes", Yes),
        ("true", Yes),
        ("ask", Ask),
        ("accept-new", AcceptNew),
        ("no", Off),
        ("off", Off),
        ("false", Off),
    ];
    for (word, meaning) in words {
        assert_eq!(
            minimal(&format!("stricthostkeychecking {word}")).strict_host_key_checking,
            meaning,
            "{word}"
        );
    }
    assert_eq!(minimal("identityagent none").agent, Agent::None);
    assert_eq!(minimal("identityagent SSH_AUTH_SOCK").agent, Agent::Environment);
    assert_eq!(minimal("identityagent $WHARF_UNSET_VARIABLE").agent, Agent::None);
    let path = std::env::var("PATH").unwrap();
    assert_eq!(minimal("identityagent $PATH").agent, Agent::Socket(path.into()));
    assert!(!minimal("pubkeyauthentication false").pubkey_authentication);
}

#[test]
fn a_proxy_command_gets_its_tokens() {
    let config = minimal("proxycommand nc -x %n %h %p %r 100%% ${HOME}");
    assert_eq!(config.proxy_command.unwrap(), "nc -x Web web 22 ann 100% ${HOME}");
    assert_eq!(minimal("proxyjump %r@gate-%n:24").jumps[0].host, "gate-Web");
    assert!(parse("w", &Answer::new(b"user a\nhostname w\nport 22\nproxycommand x %Z"), &local()).is_err());
    assert!(parse("w", &Answer::new(b"user a\nhostname w\nport 22\nidentityfile ~/%C"), &local()).is_err());
    assert!(parse("w", &Answer::new(b"user a\nhostname w\nport 22\nproxyjump a:b"), &local()).is_err());
    assert!(parse("w", &Answer::new(b"user a\nhostname w\nport 22\nproxyjump $(x)"), &local()).is_err());
    assert!(parse("w", &Answer::new(b"user a\nport 22"), &local()).is_err());
}

#[test]
fn names_that_a_shell_would_read_are_refused() {
    for host in ["", "-oProxyCommand=x", "a b", "a;b", "$(x)", "a\nb", "u@h", "ssh://h", "`x`"] {
        assert!(!is_safe_host(host), "{host:?}");
    }
    for host in ["web", "web-01.example.org", "::1", "fe80::1%eth0", "under_score", "münchen"] {
        assert!(is_safe_host(host), "{host:?}");
    }
    for user in ["", "-x", "a;b", "a -x", "a\\", "$x"] {
        assert!(!is_safe_user(user), "{user:?}");
    }
    assert!(is_safe_user("DOMAIN\\ann") && is_safe_user("ann@example.org"));
}

#[tokio::test]
async fn where_there_is_no_ssh_nobody_answers() {
    let absent = Path::new("/nonexistent/ssh");
    assert_eq!(ask(absent, "web", None, None, &SshOptions::default()).await.unwrap(), None);
}

#[test]
fn lists_that_nobody_has_set_are_left_out() {
    let defaults = Answer::new(b"ciphers a,b\nmacs m\nuser ann\n");
    let answer = Answer::new(b"ciphers a,b\nmacs n,m\nuser ann\n").without(&defaults);
    assert_eq!(answer, Answer::new(b"macs n,m\nuser ann\n"));
}

#[tokio::test]
async fn an_identity_that_is_not_there_is_not_passed_over() {
    let options = SshOptions { identities: vec!["/nonexistent/key".into()], ..SshOptions::default() };
    let error = resolve("web", None, None, &options).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, Operation::ReadConfig));
    assert!(error.detail().unwrap().contains("/nonexistent/key"));
}
