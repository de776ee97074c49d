#!/usr/bin/env bash
# Tests one of your own mutual TLS endpoints as your partner would meet it, and writes results.json for the portal.
#
#   ./run.sh HOST:PORT
#   CLIENT_CERT=partner-client.pem CLIENT_KEY=partner-client.key ./run.sh HOST:PORT    also tries a good client
#
# Needs bash, openssl and curl. Sends nothing anywhere but to HOST:PORT.
set -u
cd "$(dirname "$0")" || exit 2
endpoint="${1:-}"
if [[ ! "$endpoint" =~ ^[A-Za-z0-9.-]+:[0-9]+$ ]]; then
  echo "usage: $0 HOST:PORT" >&2
  exit 2
fi
host="${endpoint%:*}"
name="${SERVER_NAME:-$host}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
results=()
failed=0

# note TEST PASSED(true|false|skipped) TEXT
note() {
  local text
  # shellcheck disable=SC1003
  text="$(printf '%s' "$3" | tr -cd '[:print:]' | tr -d '"\\' | cut -c1-200)"
  results+=("{\"test\":\"$1\",\"outcome\":\"$2\",\"says\":\"$text\"}")
  printf '%-8s %-22s %s\n' "$2" "$1" "$text"
  if [[ "$2" == failed ]]; then failed=$((failed + 1)); fi
}

# handshake ARGUMENTS... : one TLS handshake, and a request so that TLS 1.3 servers answer about the client certificate.
handshake() {
  printf 'HEAD / HTTP/1.0\r\nHost: %s\r\n\r\n' "$name" |
    timeout 15 openssl s_client -connect "$endpoint" -servername "$name" -ign_eof "$@" 2>&1
}

refused() { grep -qiE 'alert|handshake failure|400 (Bad Request|No required)|403 |errno|unexpected eof|connection reset' <<<"$1"; }

# A throwaway client certificate of a CA that nobody trusts. It never leaves this folder.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj '/CN=untrusted test client' \
  -keyout "$work/untrusted.key" -out "$work/untrusted.pem" >/dev/null 2>&1

said="$(handshake -CAfile own-cas.pem -showcerts)"
if ! grep -q 'BEGIN CERTIFICATE' <<<"$said"; then
  note reachable failed "no certificate came back from $endpoint"
  for test in server_chain complete_chain server_name not_expiring protocol no_client untrusted_client announced_cas good_client; do
    note "$test" skipped "the endpoint was not reached"
  done
else
  note reachable passed "$endpoint answers"
  awk '/BEGIN CERTIFICATE/{n++} n{print > ("'"$work"'/chain" n ".pem")} /END CERTIFICATE/{close("'"$work"'/chain" n ".pem")}' \
    < <(sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p' <<<"$said")
  cat "$work"/chain[0-9]*.pem > "$work/sent.pem"

  # Guide 5.1: the chain that is sent leads to the root that the partner has, with nothing else at hand.
  if said="$(openssl verify -no-CApath -no-CAstore -CAfile own-roots.pem -untrusted "$work/sent.pem" -purpose sslserver "$work/chain1.pem" 2>&1)"; then
    note server_chain passed "leads to your submitted root"
  else
    note server_chain failed "$(grep -m1 error <<<"$said")"
  fi
  if [[ -e "$work/chain2.pem" ]] || openssl verify -no-CApath -no-CAstore -CAfile own-roots.pem "$work/chain1.pem" >/dev/null 2>&1; then
    note complete_chain passed "the intermediates are sent along"
  else
    note complete_chain failed "only the service certificate is sent, without its intermediates"
  fi
  if openssl x509 -in "$work/chain1.pem" -noout -checkhost "$name" | grep -q 'does match'; then
    note server_name passed "$name"
  else
    note server_name failed "the certificate is not for $name"
  fi
  if openssl x509 -in "$work/chain1.pem" -noout -checkend 864000 >/dev/null; then
    note not_expiring passed "valid for more than 10 days"
  else
    note not_expiring failed "$(openssl x509 -in "$work/chain1.pem" -noout -enddate)"
  fi

  # Guide 5.3: only what was agreed.
  if said="$(handshake -CAfile own-cas.pem -tls1_1 -cipher 'DEFAULT@SECLEVEL=0')" && grep -qE 'Protocol *: TLSv1(\.1)?$' <<<"$said" && ! refused "$said"; then
    note protocol failed "TLS 1.1 is accepted"
  else
    note protocol passed "TLS 1.1 is refused"
  fi

  # Guide 5.2: no client certificate, and one that nobody trusts, are refused.
  said="$(handshake -CAfile own-cas.pem)"
  if refused "$said"; then note no_client passed "refused without a client certificate"; else note no_client failed "accepted without a client certificate"; fi
  said="$(handshake -CAfile own-cas.pem -cert "$work/untrusted.pem" -key "$work/untrusted.key")"
  if refused "$said"; then note untrusted_client passed "refused an untrusted client"; else note untrusted_client failed "accepted an untrusted client"; fi
  # What the server announces tells which store it has loaded.
  if grep -q 'Acceptable client certificate CA names' <<<"$said"; then
    missing=""
    while IFS= read -r subject; do
      grep -qF -- "$subject" <<<"$said" || missing="$subject"
    done < partner-roots.txt
    if [[ -z "$missing" ]]; then note announced_cas passed "announces the roots of the partner"; else note announced_cas failed "does not announce $missing"; fi
  else
    note announced_cas skipped "the server announces no CA names"
  fi
  if [[ -n "${CLIENT_CERT:-}" && -n "${CLIENT_KEY:-}" ]]; then
    code="$(curl -sS -o /dev/null -w '%{http_code}' --max-time 15 --cert "$CLIENT_CERT" --key "$CLIENT_KEY" --cacert own-cas.pem \
      --connect-to "$name:${endpoint##*:}:$host:${endpoint##*:}" "https://$name:${endpoint##*:}/" 2>"$work/curl")"
    if [[ "$code" =~ ^[1-5][0-9][0-9]$ && "$code" != 400 && "$code" != 403 ]]; then
      note good_client passed "HTTP $code"
    else
      note good_client failed "HTTP $code $(cat "$work/curl")"
    fi
  else
    note good_client skipped "set CLIENT_CERT and CLIENT_KEY to try a good client"
  fi
fi

{
  printf '{"format":"partner-trust-exchange/test-kit-result","format_version":1,"kit":"%s",' "$(cat kit-id.txt)"
  printf '"endpoint":"%s","at":"%s","openssl":"%s","results":[' "$endpoint" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(openssl version | tr -cd '[:alnum:]. ')"
  (IFS=,; printf '%s' "${results[*]}")
  printf ']}\n'
} > results.json
echo
if [[ $failed -eq 0 ]]; then echo "Nothing failed. Upload results.json to the portal."; else echo "$failed failed. Mend them, or upload results.json as it is."; fi
[[ $failed -eq 0 ]]
