//! What vsftpd is told: vsftpd.conf(5). Starts nothing itself.

use std::{fs, process::Command};

use super::{
    daemon::unpacked_command,
    ftp::{Setup, Tls},
};

/// Writes vsftpd.conf and gives the command that serves by it.
pub fn command(setup: &Setup<'_>) -> Command {
    let Setup { config, dir, .. } = setup;
    // Where it has no rights left, between a connection and a login.
    let empty = dir.join("empty");
    let _ = fs::create_dir(&empty);
    let mut text: String = config.extra.iter().map(|line| format!("{line}\n")).collect();
    text += match config.ipv6 {
        true => "listen_ipv6=YES\nlisten_address6=::1\n",
        false => "listen=YES\nlisten_address=127.0.0.1\n",
    };
    text += &format!(
        "listen_port={}\nbackground=NO\nsecure_chroot_dir={}\n\
         local_root={}\nvsftpd_log_file={}\n",
        setup.port,
        empty.display(),
        setup.root().display(),
        dir.join("vsftpd.log").display(),
    );
    // Not every kernel lets it build its sandbox. Its own PAM service is not installed, only
    // unpacked: the one for services without their own checks the same passwords.
    text += "seccomp_sandbox=NO\npam_service_name=other\nsession_support=NO\nlocal_enable=YES\nwrite_enable=YES\n\
             local_umask=022\nchmod_enable=YES\nmdtm_write=YES\nls_recurse_enable=YES\nxferlog_enable=YES\n\
             log_ftp_protocol=YES\npasv_min_port=0\npasv_max_port=0\nmax_clients=0\n";
    text += &format!("max_per_ip={}\n", config.max_per_address.unwrap_or(0));
    if config.chroot {
        text += "chroot_local_user=YES\nallow_writeable_chroot=YES\n";
    }
    if config.anonymous {
        text += &format!(
            "anonymous_enable=YES\nanon_root={}\nftp_username={}\n",
            setup.anonymous_root().display(),
            setup.login.user,
        );
    } else {
        text += "anonymous_enable=NO\n";
    }
    if let Some(address) = config.announced_address {
        text += &format!("pasv_address={address}\n");
    }
    if let Some(idle) = config.idle {
        text += &format!("idle_session_timeout={}\n", idle.as_secs().max(1));
    }
    if config.tls != Tls::None {
        let force = yes(matches!(config.tls, Tls::Required | Tls::Implicit));
        text += &format!(
            "ssl_enable=YES\nrsa_cert_file={}\nrsa_private_key_file={}\nssl_ciphers=HIGH\ndebug_ssl=YES\n\
             allow_anon_ssl=YES\nforce_local_logins_ssl={force}\nforce_local_data_ssl={force}\n\
             force_anon_logins_ssl={force}\nforce_anon_data_ssl={force}\nimplicit_ssl={}\nrequire_ssl_reuse={}\n",
            setup.cert().display(),
            setup.key().display(),
            yes(config.tls == Tls::Implicit),
            yes(config.require_reuse),
        );
    }
    let file = dir.join("vsftpd.conf");
    fs::write(&file, text).expect("vsftpd.conf");
    let mut command = unpacked_command("vsftpd", "usr/sbin/vsftpd");
    command.arg(file);
    setup.bound_tls(&mut command);
    command
}

fn yes(is_so: bool) -> &'static str {
    if is_so { "YES" } else { "NO" }
}
