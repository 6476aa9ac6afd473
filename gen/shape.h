#ifndef SHAPE_H
#define SHAPE_H

/*
 * The shapes that texts of the spec and the lock must have, each a check for ytree.h. All are stricter than what their
 * later use could take: none can hold a space, a control character or, but for URLs and titles, anything a shell minds.
 */

int shape_lab(const char *s);		/* a lab's name: format_word_ok() with '-' */
int shape_lab_version(const char *s);	/* format_word_ok() without */
int shape_name(const char *s);		/* an item's name: format_word_ok() with '-' */
int shape_version(const char *s);	/* the same, and ':' of Debian's epochs, up to 128 bytes */
int shape_path(const char *s);		/* format_path_ok() */
int shape_deep_path(const char *s);	/* parts as in format_path_ok(), up to 1000 bytes together */
int shape_platform(const char *s);	/* format_platform_known() */
int shape_hex64(const char *s);		/* 64 lower-case hex digits */
int shape_url(const char *s);		/* https, file, http; printable ASCII without space, quote, '<', '>', '|', '\' */
int shape_any_url(const char *s);	/* shape_url(), or oci */
int shape_git_url(const char *s);	/* https or file, http to this machine */
int shape_repo(const char *s);		/* https or oci, http to this machine */
int shape_http_local(const char *s);	/* http to this machine's own address */
int shape_commit(const char *s);	/* 40 hex digits or the name of a tag */
int shape_image(const char *s);		/* an image's reference with a tag that is not latest, or a sha256 digest */
int shape_deb(const char *s);		/* Debian Policy 5.6.1: a package's name */
int shape_deb_version(const char *s);	/* Debian Policy 5.6.12: a version, which begins with a digit */
int shape_npm(const char *s);		/* npm: "name" or "@scope/name" */
int shape_npm_version(const char *s);	/* one version, or a dist-tag */
int shape_kube_name(const char *s);	/* a DNS label: Kubernetes' names */
int shape_kube_object(const char *s);	/* kind/name, as "deploy/grafana" */
int shape_kube_port(const char *s);	/* kind/name:port */
int shape_kube_version(const char *s);	/* v1.2.3 */
int shape_no_bar(const char *s);	/* without '|': a field of a line of lab.env */
int shape_integrity(const char *s);	/* npm: "sha512-" and base64 of 64 bytes */

/* What an error says that each must be. */
#define SHAPE_LAB "a name: letters, digits, '.', '_', '+', '~', '-', at most 48, the first a letter or digit"
#define SHAPE_LAB_VERSION "a version: letters, digits, '.', '_', '+', '~', at most 48, the first a letter or digit"
#define SHAPE_PATH "a path in the bundle such as bin/helm"
#define SHAPE_LAB_PATH "a path in the lab's folder such as values/loki.yaml"
#define SHAPE_PLATFORM "a platform: linux/amd64, linux/arm64 or darwin/arm64"
#define SHAPE_HEX64 "a SHA-256: 64 lower-case hex digits"
#define SHAPE_URL "a URL: https://... or file:///..."
#define SHAPE_REPO "a chart repository: https://... or oci://..."
#define SHAPE_COMMIT "a commit of 40 hex digits, or a tag"
#define SHAPE_IMAGE "an image with its tag or digest, as registry.k8s.io/pause:3.10.1; never latest"

#endif
