"""A Java service that is set up as Spring Boot sets one up from its properties, with the TLS that Java itself has.

It stands for Spring Boot, which no package that can be installed here carries. It reads the properties file with Java's own reader,
opens the trust store by the location, type and password that the properties name, and lets Java's own trust manager decide.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

_SOURCE = """
import com.sun.net.httpserver.*;
import java.io.*;
import java.net.*;
import java.security.*;
import java.util.*;
import javax.net.ssl.*;

public class Service {
  static Properties said = new Properties();

  static String named(String name) {
    return Objects.requireNonNull(said.getProperty(name), name);
  }

  static KeyStore store(String location, String type, String password) throws Exception {
    KeyStore store = KeyStore.getInstance(type);
    try (InputStream file = new URL(location).openStream()) { store.load(file, password.toCharArray()); }
    return store;
  }

  static SSLContext context(KeyStore trusted, KeyStore own) throws Exception {
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(own, "changeit".toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(own == null ? null : keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  static void serve(String own) throws Exception {
    KeyStore trusted = store(
        named("server.ssl.trust-store"), named("server.ssl.trust-store-type"), named("server.ssl.trust-store-password"));
    SSLContext context = context(trusted, store("file:" + own, "PKCS12", "changeit"));
    boolean need = named("server.ssl.client-auth").equals("need");
    HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context) {
      @Override public void configure(HttpsParameters parameters) {
        SSLParameters chosen = context.getDefaultSSLParameters();
        chosen.setNeedClientAuth(need);
        parameters.setSSLParameters(chosen);
      }
    });
    server.createContext("/", exchange -> { exchange.sendResponseHeaders(200, -1); exchange.close(); });
    server.start();
    System.out.println(server.getAddress().getPort());
  }

  static boolean accepts(SSLContext context, int port) throws IOException {
    try (SSLSocket socket = (SSLSocket) context.getSocketFactory()
        .createSocket(new Socket(InetAddress.getLoopbackAddress(), port), "partner.example", port, true)) {
      SSLParameters chosen = socket.getSSLParameters();
      chosen.setEndpointIdentificationAlgorithm("HTTPS");
      socket.setSSLParameters(chosen);
      socket.startHandshake();
      return true;
    } catch (SSLException refused) {
      return false;
    }
  }

  public static void main(String[] arguments) throws Exception {
    try (Reader file = new FileReader(arguments[0])) { said.load(file); }
    if (arguments[1].equals("serve")) { serve(arguments[2]); return; }
    String bundle = "spring.ssl.bundle.jks." + arguments[2] + ".truststore.";
    SSLContext context = context(store(named(bundle + "location"), named(bundle + "type"), named(bundle + "password")), null);
    for (int at = 3; at < arguments.length; at++) System.out.println(accepts(context, Integer.parseInt(arguments[at])));
  }
}
"""


def command(folder: Path) -> list[str]:
    """Return the command of the service, compiled, or skip loudly."""
    compiler, program = shutil.which("javac"), shutil.which("java")
    if compiler is None or program is None:
        pytest.skip("the JDK is not installed: nothing was shown about Java")
    (folder / "Service.java").write_text(_SOURCE)
    done = subprocess.run(
        [compiler, "-d", folder, folder / "Service.java"], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return [program, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", str(folder), "Service"]
