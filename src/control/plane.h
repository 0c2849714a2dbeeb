/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane as control sees it. */
#ifndef CONTROL_PLANE_H
#define CONTROL_PLANE_H

#include "proof/plane.h"

#endif
