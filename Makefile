# labgen. "make help" lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CC ?= cc
V_MAJOR := 0.1.0

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wno-format-nonliteral
HARDEN := -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2 -fPIE
ifeq ($(CI),true)
WARN += -Werror
endif
OPT ?= -O2 -g
SAN ?=
CPPFLAGS_ALL = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DLABGEN_VERSION='"$(V_MAJOR)"' -DLABGEN_LIBEXECDIR='"$(PREFIX)/libexec/labgen"' \
	-Iverify -Igen -include verify/banned.h $(CPPFLAGS)
CFLAGS_ALL = -std=c17 $(OPT) $(WARN) $(HARDEN) $(SAN) -ffile-prefix-map=$(CURDIR)/= -MMD -MP $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now $(SAN) $(LDFLAGS)

GEN_PKGS := libcurl jansson yaml-0.1 libarchive libgit2 zlib
GEN_CPPFLAGS = $(shell pkg-config --cflags $(GEN_PKGS) 2>/dev/null)
GEN_LIBS = $(shell pkg-config --libs $(GEN_PKGS) 2>/dev/null)
VERIFY_LIBS := -lsodium -lcrypto -lpthread

# One main a program; everything else of verify/ is shared by both programs.
VERIFY_SRC := $(filter-out verify/main.c,$(wildcard verify/*.c))
GEN_SRC := $(filter-out gen/main.c,$(wildcard gen/*.c))
VERIFY_OBJ := $(VERIFY_SRC:%.c=$(BUILD)/%.o)
GEN_OBJ := $(GEN_SRC:%.c=$(BUILD)/%.o) $(BUILD)/gen/templates.o
TEMPLATES := $(shell find templates -type f 2>/dev/null)

# The static labverify of this machine's own architecture, and the other one.
STATIC := $(BUILD)/labverify-linux-$(if $(filter aarch64 arm64,$(shell uname -m)),arm64,amd64)
STATIC_ARM64 := $(BUILD)/labverify-linux-arm64

UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)

.PHONY: help all deps demo test lint fuzz bench install clean check-asan check-headers static unit unit-build fuzz-build fuzz-seeds static-test

help:	## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

all: $(BUILD)/labgen $(BUILD)/labverify $(STATIC)	## build labgen, labverify and the static labverify that bundles carry

$(BUILD)/labverify: $(VERIFY_OBJ) $(BUILD)/verify/main.o
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(VERIFY_LIBS)

$(BUILD)/labgen: $(VERIFY_OBJ) $(GEN_OBJ) $(BUILD)/gen/main.o
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(GEN_LIBS) $(VERIFY_LIBS)

$(BUILD)/verify/%.o: verify/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

$(BUILD)/gen/%.o: gen/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(GEN_CPPFLAGS) $(CFLAGS_ALL) -c -o $@ $<

$(BUILD)/gen/templates.c: gen/embed.sh $(TEMPLATES)
	@mkdir -p $(@D)
	sh gen/embed.sh templates >$@

$(BUILD)/gen/templates.o: $(BUILD)/gen/templates.c
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

# The one-file labverify: static, so that it runs on any Linux of its architecture, and the same bytes wherever it is built.
# This machine's own architecture is part of "all"; "static" adds arm64, which a cross compiler makes. For macOS, where
# nothing is static: cc -std=c17 -O2 -Iverify -DLABGEN_VERSION='"..."' -o labverify verify/*.c -lsodium -lcrypto
STATIC_SRC := $(sort $(VERIFY_SRC)) verify/main.c
STATIC_FLAGS = $(CPPFLAGS_ALL) -std=c17 -O2 $(WARN) $(HARDEN) -ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)/= \
	-static-pie -Wl,-z,relro,-z,now,--gc-sections,--build-id=none -s
SYSROOT := $(BUILD)/sysroot-arm64

static: deps-static	## the one-file labverify, for linux/amd64 and linux/arm64
	@$(MAKE) --no-print-directory $(STATIC) $(STATIC_ARM64)
	@ls -l $(STATIC) $(STATIC_ARM64)

$(STATIC): $(STATIC_SRC) $(wildcard verify/*.h)
	@mkdir -p $(@D)
	$(CC) $(STATIC_FLAGS) -o $@ $(STATIC_SRC) $(VERIFY_LIBS)

ifneq ($(STATIC),$(STATIC_ARM64))
$(STATIC_ARM64): $(STATIC_SRC) $(wildcard verify/*.h) $(SYSROOT)/done
	@mkdir -p $(@D)
	aarch64-linux-gnu-gcc $(STATIC_FLAGS) -isystem $(SYSROOT)/usr/include -isystem $(SYSROOT)/usr/include/aarch64-linux-gnu \
		-L$(SYSROOT)/usr/lib/aarch64-linux-gnu -o $@ $(STATIC_SRC) $(VERIFY_LIBS)
endif

# The command line's tests with the static ones: arm64's under qemu, which runs it as a process of this machine.
static-test: static $(BUILD)/tools/testbundle	## the tests of labverify with the static ones, arm64's in qemu
	@mkdir -p $(BUILD)/static
	@printf '#!/bin/sh\nexec qemu-aarch64 %s "$$@"\n' $(abspath $(STATIC_ARM64)) >$(BUILD)/static/labverify-qemu
	@chmod +x $(BUILD)/static/labverify-qemu
	@for v in $(abspath $(STATIC)) $(abspath $(BUILD))/static/labverify-qemu; do \
		LABVERIFY=$$v LABVERIFY_STATIC=1 TOOLS=$(abspath $(BUILD))/tools bats tests/cli/labverify.bats || exit 1; \
	done

$(SYSROOT)/done:
	@sh tests/lib/sysroot.sh $(SYSROOT) arm64

DEPS := sh tests/lib/deps.sh packages.txt
deps:	## install what demo and test need (apt, as root or with sudo)
	@for group in build run demo test; do $(DEPS) $$group || exit 1; done
deps-%:
	@$(DEPS) $*

demo:	## the whole chain on the datastores lab, in a room with no network (installs what it needs)
	@for group in build run demo; do $(DEPS) $$group || exit 1; done
	@$(MAKE) --no-print-directory -j "$$(nproc)" all
	@sh tests/e2e/demo.sh $(BUILD)

test:	## every test (installs what it needs); FILTER=word picks some
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j "$$(nproc)" all unit-build
	@sh tests/run.sh $(BUILD) $(FILTER)

check-asan:	## the unit tests under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan OPT="-O1 -g" SAN="-fsanitize=address,undefined -fno-sanitize-recover=all" unit

install: all	## install under $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/labgen $(DESTDIR)$(PREFIX)/share/labgen/bundles \
		$(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(BUILD)/labgen $(BUILD)/labverify $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(STATIC) $(DESTDIR)$(PREFIX)/libexec/labgen
	cp -R bundles/. $(DESTDIR)$(PREFIX)/share/labgen/bundles
	$(BUILD)/labgen help --man >$(DESTDIR)$(PREFIX)/share/man/man1/labgen.1

# What tests of the command line call: a maker of small bundles, and calls that fail.
TEST_TOOLS := $(BUILD)/tools/testbundle $(BUILD)/tools/failing.so

unit-build: $(UNIT_BIN) $(TEST_TOOLS)

$(BUILD)/tools/testbundle: tests/lib/testbundle.c $(VERIFY_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -Itests/lib $(LDFLAGS_ALL) -o $@ $< $(VERIFY_OBJ) $(VERIFY_LIBS)

$(BUILD)/tools/failing.so: tests/lib/failing.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE $(OPT) -Wall -Wextra -fPIC -shared -o $@ $< -ldl

unit: $(UNIT_BIN)	## build and run the unit tests alone
	@for t in $(UNIT_BIN); do $$t || exit 1; done

$(BUILD)/unit/%: tests/unit/%.c $(VERIFY_OBJ) $(GEN_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(GEN_CPPFLAGS) $(CFLAGS_ALL) -Itests/lib $(LDFLAGS_ALL) -o $@ $< $(VERIFY_OBJ) $(GEN_OBJ) -lcmocka $(GEN_LIBS) $(VERIFY_LIBS)

# Fuzzing: clang's libFuzzer, everything under the address and undefined-behaviour sanitizers. A new tests/fuzz/fuzz_NAME.c
# with seeds in tests/fuzz/corpus/NAME is all that a further target needs.
FUZZ_S ?= 60
FUZZ_CC ?= clang
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS = -std=c17 -O1 -g -fno-omit-frame-pointer $(FUZZ_SAN) $(CPPFLAGS_ALL) $(GEN_CPPFLAGS) -Itests/lib -Itests/fuzz -MMD -MP
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

fuzz: deps-fuzz	## each fuzz target for FUZZ_S seconds (60); FILTER=word picks some
	@$(MAKE) --no-print-directory fuzz-build
	@sh tests/fuzz/run.sh $(BUILD) $(FUZZ_S) $(FILTER)

fuzz-build: $(FUZZ_BIN)

$(BUILD)/fuzz/verify.a: $(VERIFY_SRC:%.c=$(BUILD)/fuzz/%.o)
$(BUILD)/fuzz/gen.a: $(GEN_SRC:%.c=$(BUILD)/fuzz/%.o) $(BUILD)/gen/templates.o
$(BUILD)/fuzz/%.a:
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

# Libraries are named for all; the linker takes those that a target uses.
$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(BUILD)/fuzz/verify.a $(BUILD)/fuzz/gen.a
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< -Wl,--as-needed $(BUILD)/fuzz/gen.a $(BUILD)/fuzz/verify.a $(GEN_LIBS) $(VERIFY_LIBS)

# The seeds as they are committed, written anew: only to look whether, or when, the format changes.
fuzz-seeds: $(BUILD)/fuzz/verify.a
	$(FUZZ_CC) $(FUZZ_CFLAGS) -o $(BUILD)/fuzz/seeds tests/fuzz/seeds.c $(BUILD)/fuzz/verify.a $(VERIFY_LIBS)
	$(BUILD)/fuzz/seeds tests/fuzz/corpus

lint: export LINT_FLAGS = $(CPPFLAGS_ALL) $(GEN_CPPFLAGS)
lint: deps-lint	## the static checkers over all of it; FILTER="gcc shellcheck" picks some
	@sh tests/lib/lint.sh $(FILTER)

check-headers:	## each header compiles alone
	@for h in verify/*.h gen/*.h tests/fuzz/fuzz.h; do \
		printf '#include "%s"\n' "$$h" | $(CC) $(CPPFLAGS_ALL) $(GEN_CPPFLAGS) -I. -std=c17 $(WARN) -Werror -fsyntax-only -x c - || exit 1; \
	done
	@echo "every header compiles alone"

# Figures, as ratios to other tools in the same run. They fail on nothing: a machine may be slow or busy.
bench: deps-bench	## speed and memory against the stock tools; BENCH_DIR, BENCH_RUNS, BENCH_MIB
	@$(MAKE) --no-print-directory all $(BUILD)/tools/mkbundle
	@for b in tests/bench/*.sh; do sh $$b $(BUILD) || exit 1; done

$(BUILD)/tools/mkbundle: tests/bench/mkbundle.c $(VERIFY_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -Itests/lib $(LDFLAGS_ALL) -o $@ $< $(VERIFY_OBJ) $(VERIFY_LIBS)

clean:	## remove what was built
	rm -rf $(BUILD)

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/fuzz/*/*.d)
