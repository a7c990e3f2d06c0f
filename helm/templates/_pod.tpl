{{/* The broker's pod: the same in a StatefulSet, with its volume, and in a Deployment, with a database. */}}
{{- define "stint.pod" -}}
metadata:
  labels:
    {{- include "stint.podLabels" . | nindent 4 }}
  annotations:
    # Some settings of stint.yaml take effect at a start only. Everything else is followed, so a change of it needs no restart.
    {{- $checksum := dict "checksum/config" (include "stint.config" . | sha256sum) }}
    {{- merge $checksum .Values.podAnnotations | toYaml | nindent 4 }}
spec:
  serviceAccountName: {{ include "stint.serviceAccountName" . | quote }}
  automountServiceAccountToken: false
  # Variables of Services named stint-config… would be taken for settings.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- include "stint.podCommons" . | nindent 2 }}
  {{- with include "stint.topologySpread" . | fromYamlArray }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: stint
      image: {{ include "stint.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve, --config, /etc/stint/config/stint.yaml]
      env:
        # The node's role is every pod's on it, so the broker never takes it for its own.
        - name: AWS_EC2_METADATA_DISABLED
          value: "true"
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - {name: agents, containerPort: 8443, protocol: TCP}
        {{- if .Values.bearer.enabled }}
        - {name: bearer, containerPort: 8444, protocol: TCP}
        {{- end }}
        {{- if .Values.admin.service.enabled }}
        - {name: admin, containerPort: 8445, protocol: TCP}
        {{- end }}
        {{- if .Values.bundleEndpoint.enabled }}
        - {name: bundles, containerPort: 8447, protocol: TCP}
        {{- end }}
        {{- if .Values.metrics.enabled }}
        - {name: metrics, containerPort: 8448, protocol: TCP}
        {{- end }}
        - {name: health, containerPort: 8446, protocol: TCP}
      # Health answers only after the ledger is open and what a crash left behind is settled.
      startupProbe:
        grpc: {port: 8446}
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: {{ .Values.startupFailureThreshold }}
      readinessProbe:
        grpc: {port: 8446, service: stint.v1.BrokerService}
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      livenessProbe:
        grpc: {port: 8446}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      securityContext:
        {{- include "stint.containerSecurity" . | nindent 8 }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        {{- include "stint.volumeMounts" . | trim | nindent 8 }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    {{- include "stint.volumes" . | trim | nindent 4 }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* Several replicas on one node, or in one zone, would be lost together; where there is no other place, together is better than not at all. */}}
{{- define "stint.topologySpread" -}}
{{- $own := .Values.topologySpreadConstraints -}}
{{- if and (not $own) (gt (int .Values.replicaCount) 1) -}}
{{- $labels := dict "matchLabels" (include "stint.selectorLabels" . | fromYaml) -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" -}}
{{- $own = append $own (dict "maxSkew" 1 "topologyKey" . "whenUnsatisfiable" "ScheduleAnyway" "labelSelector" $labels) -}}
{{- end -}}
{{- end -}}
{{- toYaml $own -}}
{{- end -}}

{{/* The part of a pod that the broker and the migration job share. */}}
{{- define "stint.podCommons" -}}
securityContext:
  runAsNonRoot: true
  {{- if .Values.fixedIds }}
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  {{- end }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with include "stint.pullSecrets" . | fromYamlArray }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "stint.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
