#ifndef RENDER_H
#define RENDER_H

#include "buf.h"
#include "err.h"
#include "lock.h"
#include "spec.h"

/* The texts of a bundle that are made from spec and lock: each a function of them and the platform alone. */

/*
 * lab.env: shell assignments in a fixed order, values in single quotes. Lists are lines, their fields separated by '|':
 *
 *	LAB_FORMAT LAB_NAME LAB_VERSION LAB_PLATFORM LAB_TARGET
 *	LAB_TITLE_EN ...	one for each language
 *	LAB_PORTS		name|local|to|url
 * and for target minikube:
 *	LAB_MEMORY LAB_CPUS LAB_KUBERNETES LAB_RUNTIME LAB_NAMESPACE LAB_BASE_IMAGE
 *	LAB_CHARTS		order|release|name|version|values|wait, sorted
 *	LAB_MANIFESTS		order|path|wait, sorted
 */
void render_env(const struct spec *spec, const char *platform, struct buf *out);

/* sbom.cdx.json: the artifacts for that platform, as CycloneDX 1.5 (cyclonedx.org/docs/1.5/json). */
int render_sbom(const struct spec *spec, const struct lock *lock, const char *platform, struct buf *out, struct err *err);

#endif
