/** Endpoints with this annotation hold a leader election and are no Service's. */
export const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
