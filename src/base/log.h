/* SPDX-License-Identifier: Apache-2.0 */
/* Formatting on top of the log seam. Lines look like: `<6>store: artifact stored key=...
 * size=65532`. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/seam.h"

/* fields is a printf format of "key=value ..." or NULL. */
__attribute__((format(printf, 5, 6))) void log_event(const struct log *log, enum log_level level,
						     const char *component, const char *message,
						     const char *fields, ...);

#define log_error(log, component, ...)	 log_event(log, LOG_ERROR_LEVEL, component, __VA_ARGS__)
#define log_warning(log, component, ...) log_event(log, LOG_WARNING_LEVEL, component, __VA_ARGS__)
#define log_info(log, component, ...)	 log_event(log, LOG_INFO_LEVEL, component, __VA_ARGS__)
#define log_debug(log, component, ...)	 log_event(log, LOG_DEBUG_LEVEL, component, __VA_ARGS__)

enum log_format { LOG_PLAIN, LOG_JOURNAL /* <N> priority prefix */, LOG_JSON };

/* To stderr. */
struct log log_stderr(enum log_level level, enum log_format format);
/* Nowhere. */
struct log log_none(void);

#endif
