"""From pictures to features, scores and answers: one way, and the fast one."""
