#ifndef BANNED_H
#define BANNED_H

/*
 * Calls that the code does without; the compiler is made to read this file first, and each then fails to compile.
 * The first group for memory safety, the others for determinism: nothing that a bundle holds may depend on the
 * locale, on chance or on the clock. Measuring time (progress, back-off) is clock_gettime(CLOCK_MONOTONIC)'s.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define BANNED(f) f##_is_banned_see_banned_h

#undef strcpy
#undef strcat
#undef sprintf
#undef vsprintf
#undef strtok
#undef atoi
#define strcpy(...) BANNED(strcpy)
#define strcat(...) BANNED(strcat)
#define sprintf(...) BANNED(sprintf)
#define vsprintf(...) BANNED(vsprintf)
#define gets(...) BANNED(gets)
#define strtok(...) BANNED(strtok)
#define atoi(...) BANNED(atoi)
#define atol(...) BANNED(atol)

#define rand() BANNED(rand)
#define random() BANNED(random)
#define setlocale(...) BANNED(setlocale)

#define time(...) BANNED(time)
#define gettimeofday(...) BANNED(gettimeofday)
#define localtime(...) BANNED(localtime)
#define gmtime(...) BANNED(gmtime)
#define ctime(...) BANNED(ctime)

#endif
