/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of vectors/challenge.json about what a node decides. */
#ifndef VECTORS_CHALLENGE_NODE_H
#define VECTORS_CHALLENGE_NODE_H

#include "vectors/runner.h"

/* Compares a whole object with out[name]. */
bool same_json(struct vector_case *c, const char *name, const json_t *got);

bool run_artifact_count(struct vector_case *c);
bool run_classify_proof_failure(struct vector_case *c);
bool run_proof_coverage(struct vector_case *c);
bool run_recheck_eligible(struct vector_case *c);
bool run_recheck_find(struct vector_case *c);
bool run_recheck_outcome(struct vector_case *c);
bool run_recheck_submit(struct vector_case *c);
bool run_result_buffer(struct vector_case *c);

bool run_dispatch_epoch(struct vector_case *c);
bool run_recheck_execute(struct vector_case *c);

/*
 * Sections that record only what the original client does and assay replaces: all their cases are
 * source_only and skipped. A case of them that is not is one that this project has no answer to.
 */
bool run_reference_only(struct vector_case *c);

#endif
