#!/usr/bin/env bash
# Tests one of your own mutual TLS endpoints as your partner would meet it, and writes results.json for the portal.
#
#   ./run.sh HOST:PORT
#   CLIENT_CERT=partner-client.pem CLIENT_KEY=partner-client.key ./run.sh HOST:PORT    also tries a good client
#   SERVER_NAME=api.example.com ./run.sh 10.0.0.7:8443                                 asks for another name than HOST
#
# Needs bash, openssl (OPENSSL=/path/to/openssl takes another) and curl. Sends nothing anywhere but to HOST:PORT.
set -u
endpoint="${1:-}"
if [[ ! "$endpoint" =~ ^[A-Za-z0-9.-]+:[0-9]+$ ]]; then
  echo "usage: $0 HOST:PORT    for example: $0 api.example.com:443" >&2
  exit 2
fi
OPENSSL="${OPENSSL:-openssl}"
for tool in "$OPENSSL" curl awk sed grep; do
  command -v "$tool" >/dev/null || { echo "$tool is missing. The kit needs bash, openssl and curl." >&2; exit 2; }
done
if [[ "$("$OPENSSL" version)" != OpenSSL\ * ]]; then
  echo "$("$OPENSSL" version) does not know all that is needed. Say where OpenSSL is: OPENSSL=/path/to/openssl $0 $endpoint" >&2
  exit 2
fi
for file in "${CLIENT_CERT:-}" "${CLIENT_KEY:-}"; do
  [[ -z "$file" || -r "$file" ]] || { echo "$file cannot be read." >&2; exit 2; }
done
# Paths are said from where the script was started.
if [[ "$OPENSSL" == */* && "$OPENSSL" != /* ]]; then OPENSSL="$PWD/$OPENSSL"; fi
if [[ -n "${CLIENT_CERT:-}" && "$CLIENT_CERT" != /* ]]; then CLIENT_CERT="$PWD/$CLIENT_CERT"; fi
if [[ -n "${CLIENT_KEY:-}" && "$CLIENT_KEY" != /* ]]; then CLIENT_KEY="$PWD/$CLIENT_KEY"; fi
cd "$(dirname "$0")" || exit 2
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

# limited COMMAND... : stops it after 15 seconds. Not every system has timeout(1).
limited() {
  local job watch code
  "$@" <&0 &
  job=$!
  (sleep 15 && kill "$job") >/dev/null 2>&1 &
  watch=$!
  wait "$job"
  code=$?
  { kill "$watch" && wait "$watch"; } >/dev/null 2>&1
  return "$code"
}

# hello ARGUMENTS... : one TLS handshake and nothing more.
hello() { limited "$OPENSSL" s_client -connect "$endpoint" -servername "$name" "$@" </dev/null 2>&1; }

# request ARGUMENTS... : a handshake and a request, since TLS 1.3 servers say only then what they make of the client certificate.
request() {
  printf 'HEAD / HTTP/1.0\r\nHost: %s\r\n\r\n' "$name" |
    limited "$OPENSSL" s_client -connect "$endpoint" -servername "$name" -ign_eof "$@" 2>&1
}

# asks OUTPUT : the server asked for a client certificate.
asks() { grep -qE 'Acceptable client certificate CA names|Client Certificate Types|Requested Signature Algorithms' <<<"$1"; }

# refused OUTPUT : the server turned the client away: by an alert, by hanging up, or, if it asked for a certificate, over HTTP.
# An application that answers 403 to everybody has not looked at a certificate.
refused() {
  local status
  status="$(sed -nE 's/^HTTP\/[0-9.]+ ([0-9]{3}).*/\1/p' <<<"$1" | head -1)"
  case "$status" in
    400 | 403 | 495 | 496) asks "$1" ;;
    '') grep -qE 'SSL alert number|errno=[1-9]|unexpected eof' <<<"$1" ;;
    *) return 1 ;;
  esac
}

# A throwaway client certificate of a CA that nobody trusts. It never leaves this folder.
"$OPENSSL" req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj '/CN=untrusted test client' \
  -keyout "$work/untrusted.key" -out "$work/untrusted.pem" >/dev/null 2>&1

said="$(hello -CAfile own-cas.pem -showcerts)"
if ! grep -q 'BEGIN CERTIFICATE' <<<"$said"; then
  note reachable failed "no certificate came back from $endpoint"
  for test in server_chain complete_chain server_name not_expiring protocol cipher stapling no_client untrusted_client announced_cas \
    good_client; do
    note "$test" skipped "the endpoint was not reached"
  done
else
  note reachable passed "$endpoint answers"
  awk '/BEGIN CERTIFICATE/{n++} n{print > ("'"$work"'/chain" n ".pem")} /END CERTIFICATE/{close("'"$work"'/chain" n ".pem")}' \
    < <(sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p' <<<"$said")
  cat "$work"/chain[0-9]*.pem > "$work/sent.pem"

  # Guide 5.1: the chain that is sent leads to the root that the partner has, with nothing else at hand.
  if said="$("$OPENSSL" verify -no-CApath -no-CAstore -CAfile own-roots.pem -untrusted "$work/sent.pem" -purpose sslserver "$work/chain1.pem" 2>&1)"; then
    note server_chain passed "leads to your submitted root"
  else
    note server_chain failed "$(grep -m1 error <<<"$said")"
  fi
  if [[ -e "$work/chain2.pem" ]] || "$OPENSSL" verify -no-CApath -no-CAstore -CAfile own-roots.pem "$work/chain1.pem" >/dev/null 2>&1; then
    note complete_chain passed "the intermediates are sent along"
  else
    note complete_chain failed "only the service certificate is sent, without its intermediates"
  fi
  if "$OPENSSL" x509 -in "$work/chain1.pem" -noout -checkhost "$name" | grep -q 'does match'; then
    note server_name passed "$name"
  else
    note server_name failed "the certificate is not for $name"
  fi
  if "$OPENSSL" x509 -in "$work/chain1.pem" -noout -checkend 864000 >/dev/null; then
    note not_expiring passed "valid for more than 10 days"
  else
    note not_expiring failed "$("$OPENSSL" x509 -in "$work/chain1.pem" -noout -enddate)"
  fi

  # Guide 5.3: only what is safe. A server that takes up an old version sends its certificate; one that does not, sends an alert.
  old=""
  asked=""
  for version in tls1 tls1_1; do
    said="$(hello -CAfile own-cas.pem -showcerts "-$version" -cipher 'DEFAULT@SECLEVEL=0')"
    if grep -q 'BEGIN CERTIFICATE' <<<"$said"; then
      old="$version"
      asked=yes
    elif grep -qE 'SSL alert number|errno=[1-9]|unexpected eof' <<<"$said"; then
      asked=yes
    fi
  done
  if [[ -n "$old" ]]; then
    note protocol failed "${old/_/.} is accepted"
  elif [[ -n "$asked" ]]; then
    note protocol passed "TLS 1.0 and 1.1 are refused"
  else
    note protocol skipped "this openssl cannot speak TLS 1.0 or 1.1"
  fi
  client=()
  if [[ -n "${CLIENT_CERT:-}" && -n "${CLIENT_KEY:-}" ]]; then client=(-cert "$CLIENT_CERT" -cert_chain "$CLIENT_CERT" -key "$CLIENT_KEY"); fi
  said="$(hello -CAfile own-cas.pem -status ${client[@]+"${client[@]}"})"
  agreed="$(sed -nE 's/^New, (TLSv[0-9.]+), Cipher is ([A-Z0-9_-]+)$/\1 \2/p' <<<"$said" | head -1)"
  if [[ -z "$agreed" ]]; then
    note cipher skipped "set CLIENT_CERT and CLIENT_KEY to see what is agreed"
  elif [[ "$agreed" == TLSv1.3* || "$agreed" =~ ^TLSv1.2\ (ECDHE|DHE)-.*(GCM|CHACHA20|CCM) ]]; then
    note cipher passed "$agreed"
  else
    note cipher failed "$agreed has no forward secrecy or no authenticated encryption"
  fi
  if grep -q 'OCSP Response Status: successful' <<<"$said"; then
    if grep -q 'Cert Status: good' <<<"$said"; then note stapling passed "the stapled OCSP response says good"; else
      note stapling failed "the stapled OCSP response says $(sed -nE 's/^ *Cert Status: //p' <<<"$said" | head -1)"
    fi
  else
    note stapling skipped "the server staples no OCSP response"
  fi

  # Guide 5.2: no client certificate, and one that nobody trusts, are refused.
  said="$(request -CAfile own-cas.pem)"
  if refused "$said"; then note no_client passed "refused without a client certificate"
  elif asks "$said"; then note no_client failed "accepted without a client certificate"
  else note no_client failed "does not ask for a client certificate"; fi
  said="$(request -CAfile own-cas.pem -cert "$work/untrusted.pem" -key "$work/untrusted.key")"
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
  printf '"endpoint":"%s","at":"%s","openssl":"%s","results":[' "$endpoint" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$("$OPENSSL" version | tr -cd '[:alnum:]. ')"
  (IFS=,; printf '%s' "${results[*]}")
  printf ']}\n'
} > results.json
echo
if [[ $failed -eq 0 ]]; then echo "Nothing failed. Upload results.json to the portal."; else echo "$failed failed. Mend them, or upload results.json as it is."; fi
[[ $failed -eq 0 ]]
