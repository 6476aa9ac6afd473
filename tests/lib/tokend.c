/*
 * A token server for the tests (distribution.github.io/distribution/spec/auth/token), and nothing more: tokend PORT KEY CERT.
 * It lets everybody read what is below public/, and alice (password "wonderland") all else; her identity token is
 * "alice-identity". Tokens are JWTs with the certificate in them (RFC 7515, x5c). Each request is a line of standard output.
 * A scope with "slow" in it gets a token that has expired already: the registry refuses it.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 16384

static void base64url(const unsigned char *in, size_t len, char *out)
{
	int n = EVP_EncodeBlock((unsigned char *)out, in, (int)len);

	while (n > 0 && out[n - 1] == '=')
		n--;
	out[n] = '\0';
	for (char *c = out; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
}

/* The value of a form's field, decoded; empty where there is none. */
static void field(const char *form, const char *name, char *out, size_t max)
{
	size_t len = strlen(name), n = 0;

	for (const char *s = form; s; s = strchr(s, '&') ? strchr(s, '&') + 1 : NULL) {
		if (strncmp(s, name, len) != 0 || s[len] != '=')
			continue;
		for (s += len + 1; *s && !strchr("& \r\n", *s) && n + 1 < max; s++) {
			unsigned value = 0;
			if (*s == '%' && isxdigit((unsigned char)s[1]) && sscanf(s + 1, "%2x", &value) == 1) {
				out[n++] = (char)value;
				s += 2;
			} else {
				out[n++] = *s;
			}
		}
		break;
	}
	out[n] = '\0';
}

static EVP_PKEY *key;
static char cert[TEXT_MAX];

static void make_token(const char *service, const char *repo, long lives, char *out)
{
	static char text[TEXT_MAX], head[TEXT_MAX], body[TEXT_MAX];
	unsigned char sig[1024];
	size_t sig_len = sizeof(sig);
	long now = (long)time(NULL);

	snprintf(text, sizeof(text), "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"x5c\":[\"%.8000s\"]}", cert);
	base64url((unsigned char *)text, strlen(text), head);
	snprintf(text, sizeof(text), "{\"iss\":\"tester\",\"sub\":\"\",\"aud\":\"%s\",\"exp\":%ld,\"nbf\":%ld,\"iat\":%ld,\"jti\":\"1\","
		"\"access\":[{\"type\":\"repository\",\"name\":\"%s\",\"actions\":[\"pull\"]}]}", service, now + lives, now - 1000, now - 1000,
		repo);
	base64url((unsigned char *)text, strlen(text), body);
	snprintf(out, TEXT_MAX, "%.5000s.%.5000s.", head, body);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	if (EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(md, sig, &sig_len, (unsigned char *)out, strlen(out) - 1) != 1)
		abort();
	EVP_MD_CTX_free(md);
	base64url(sig, sig_len, out + strlen(out));
}

static void answer(int fd, const char *request)
{
	static char token[TEXT_MAX], out[2 * TEXT_MAX];
	char scope[512], service[128], refresh[128], repo[256] = "";
	const char *body = strstr(request, "\r\n\r\n"), *query = strchr(request, '?');
	int post = strncmp(request, "POST ", 5) == 0;
	const char *form = post ? body + 4 : query ? query + 1 : "";

	field(form, "scope", scope, sizeof(scope));
	field(form, "service", service, sizeof(service));
	field(form, "refresh_token", refresh, sizeof(refresh));
	(void)sscanf(scope, "repository:%255[^:]:pull", repo);
	/* alice:wonderland */
	int alice = strstr(request, "Authorization: Basic YWxpY2U6d29uZGVybGFuZA==") != NULL || strcmp(refresh, "alice-identity") == 0;
	int login = strstr(request, "Authorization:") != NULL || *refresh;
	int good = alice || (!login && strncmp(repo, "public/", 7) == 0);
	printf("%s %s %s\n", post ? "POST" : "GET", repo, alice ? "alice" : login ? "stranger" : "anonymous");
	fflush(stdout);
	if (*repo && good) {
		make_token(service, repo, strstr(repo, "slow") ? -500 : 300, token);
		snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"%s\":\"%s\"}",
			post ? "access_token" : "token", token);
	} else {
		snprintf(out, sizeof(out), "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	}
	if (write(fd, out, strlen(out)) < 0)
		perror("write");
}

/* Reads header and body (a form comes in one piece with its length). */
static void serve(int fd)
{
	static char text[TEXT_MAX];
	size_t len = 0;
	ssize_t n;

	while (len + 1 < sizeof(text) && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0) {
		len += (size_t)n;
		text[len] = '\0';
		const char *end = strstr(text, "\r\n\r\n"), *said = strcasestr(text, "Content-Length:");
		if (end && len >= (size_t)(end + 4 - text) + (said && said < end ? strtoul(said + 15, NULL, 10) : 0)) {
			answer(fd, text);
			return;
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	FILE *key_file = argc == 4 ? fopen(argv[2], "r") : NULL, *cert_file = argc == 4 ? fopen(argv[3], "r") : NULL;
	unsigned char *der = NULL;
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (!key_file || !cert_file)
		return 2;
	at.sin_port = htons((unsigned short)strtoul(argv[1], NULL, 10));
	key = PEM_read_PrivateKey(key_file, NULL, NULL, NULL);
	X509 *x = PEM_read_X509(cert_file, NULL, NULL, NULL);
	int der_len = x ? i2d_X509(x, &der) : -1;
	if (!key || der_len < 0)
		return 1;
	EVP_EncodeBlock((unsigned char *)cert, der, der_len);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
		listen(fd, 64) < 0)
		return perror("listen"), 1;
	for (;;) {
		int client = accept(fd, NULL, NULL);
		if (client < 0)
			continue;
		serve(client);
		close(client);
	}
}
