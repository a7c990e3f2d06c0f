{{/*
One row for each volume that holds files: its name, where it is mounted, whether it is a Secret or a ConfigMap, and which
keys become which files. Without items every key is a file. The mounts are folders, never single files, since Kubernetes
renews only those.
*/}}
{{- define "stint.files" -}}
{{- $values := .Values -}}
{{- $full := include "stint.fullname" . -}}
- {name: config, path: /etc/stint/config, configMap: {{ printf "%s-config" $full | quote }}}
- name: server
  path: /etc/stint/server
  secret: {{ $values.serverIdentity.existingSecret | quote }}
  items: [{key: {{ $values.serverIdentity.certificateKey | quote }}, path: tls.crt}, {key: {{ $values.serverIdentity.privateKeyKey | quote }}, path: tls.key}]
- name: registry
  path: /etc/stint/registry
  configMap: {{ $values.registry.existingConfigMap | default (printf "%s-registry" $full) | quote }}
  items: [{key: agents.yaml, path: agents.yaml}]
- {name: policies, path: /etc/stint/policies, configMap: {{ $values.policies.existingConfigMap | default (printf "%s-policies" $full) | quote }}}
{{- if or $values.labels.rules $values.labels.existingConfigMap }}
- name: labels
  path: /etc/stint/labels
  configMap: {{ $values.labels.existingConfigMap | default (printf "%s-labels" $full) | quote }}
  items: [{key: labels.yaml, path: labels.yaml}]
{{- end }}
{{- range $at, $bundle := $values.trustBundles }}
- name: bundle-{{ $at }}
  path: /etc/stint/bundles/{{ $bundle.trustDomain }}
  {{- if $bundle.secret }}
  secret: {{ $bundle.secret | quote }}
  {{- else }}
  configMap: {{ $bundle.configMap | quote }}
  {{- end }}
  items: [{key: {{ $bundle.key | quote }}, path: bundle}]
{{- end }}
{{- range $at, $role := $values.config.roles }}
{{- with $role.externalIdSecret }}
- {name: external-id-{{ $at }}, path: /etc/stint/external-ids/{{ $at }}, secret: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: id}]}
{{- end }}
{{- end }}
{{- range $who := list "broker" "revoker" }}
{{- with get $values.awsKeys $who }}
{{- if .existingSecret }}
- name: aws-{{ $who }}
  path: /etc/stint/aws/{{ $who }}
  secret: {{ .existingSecret | quote }}
  items: [{key: {{ .accessKeyIdKey | quote }}, path: id}, {key: {{ .secretAccessKeyKey | quote }}, path: secret}]
{{- end }}
{{- end }}
{{- end }}
{{- with $values.admin.tls }}
{{- if .existingSecret }}
- name: admin
  path: /etc/stint/admin
  secret: {{ .existingSecret | quote }}
  items: [{key: {{ .certificateKey | quote }}, path: tls.crt}, {key: {{ .privateKeyKey | quote }}, path: tls.key}]
{{- end }}
{{- end }}
{{- end -}}

{{- define "stint.volumeMounts" -}}
{{- range include "stint.files" . | fromYamlArray }}
- name: {{ .name }}
  mountPath: {{ .path }}
  readOnly: true
{{- end }}
- name: ledger
  mountPath: /var/lib/stint
- name: tmp
  mountPath: /tmp
{{- end -}}

{{- define "stint.volumes" -}}
{{- range include "stint.files" . | fromYamlArray }}
- name: {{ .name }}
  {{- if .secret }}
  secret:
    secretName: {{ .secret | quote }}
    # Readable for the pod's group, which is the broker's alone.
    defaultMode: 0440
  {{- else }}
  configMap:
    name: {{ .configMap | quote }}
    defaultMode: 0444
  {{- end }}
    {{- with .items }}
    items:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}
- name: ledger
  persistentVolumeClaim:
    claimName: {{ include "stint.claimName" . | quote }}
# For SQLite, when a sort does not fit into memory.
- name: tmp
  emptyDir:
    sizeLimit: 256Mi
{{- end -}}
