{{/*
One row for each volume that holds files: its name, where it is mounted, whether it is a Secret or a ConfigMap, and which
keys become which files; or a token of the broker's own service account. Without items every key is a file. The mounts are folders, never single files, since Kubernetes
renews only those.
*/}}
{{- define "stint.files" -}}
{{- $values := .Values -}}
{{- $full := include "stint.fullname" . -}}
- {name: config, path: /etc/stint/config, configMap: {{ printf "%s-config" $full | quote }}}
{{- include "stint.pairFiles" (dict "name" "server" "pair" $values.serverIdentity) }}
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
{{- if or $values.actionOverrides.rows $values.actionOverrides.existingConfigMap }}
- name: actions
  path: /etc/stint/actions
  configMap: {{ $values.actionOverrides.existingConfigMap | default (printf "%s-actions" $full) | quote }}
  items: [{key: actions.yaml, path: actions.yaml}]
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
{{- range $at, $trustDomain := keys $values.config.identity.domains | sortAlpha }}
{{- with (get $values.config.identity.domains $trustDomain).federation }}
{{- with .caConfigMap | default .bundleConfigMap }}
- {name: federation-{{ $at }}, path: /etc/stint/federation/{{ $trustDomain }}, configMap: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: roots}]}
{{- end }}
{{- end }}
{{- end }}
{{- range $at, $issuer := $values.config.identity.oidc }}
{{- with $issuer.caConfigMap }}
- {name: issuer-{{ $at }}, path: /etc/stint/issuers/{{ $at }}, configMap: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: roots}]}
{{- end }}
{{- with $issuer.keysConfigMap }}
- {name: issuer-keys-{{ $at }}, path: /etc/stint/issuer-keys/{{ $at }}, configMap: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: keys}]}
{{- end }}
{{- if hasKey $issuer "serviceAccountToken" }}
- {name: issuer-token-{{ $at }}, path: /etc/stint/issuer-tokens/{{ $at }}, serviceAccountToken: {{ merge (dict "path" "token") $issuer.serviceAccountToken (dict "expirationSeconds" 3600) | toJson }}}
{{- else }}
{{- with $issuer.tokenSecret }}
- {name: issuer-token-{{ $at }}, path: /etc/stint/issuer-tokens/{{ $at }}, secret: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: token}]}
{{- end }}
{{- end }}
{{- end }}
{{- with $values.config.aws.caConfigMap }}
- {name: aws-ca, path: /etc/stint/aws/ca, configMap: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: roots}]}
{{- end }}
{{- with $values.config.aws.proxy.credentialsSecret }}
- {name: aws-proxy, path: /etc/stint/aws/proxy, secret: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: credentials}]}
{{- end }}
{{- range $at, $webhook := $values.config.notices.webhooks }}
{{- with $webhook.signingSecret }}
- {name: webhook-{{ $at }}, path: /etc/stint/webhooks/{{ $at }}, secret: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: secrets}]}
{{- end }}
{{- with $webhook.caConfigMap }}
- {name: webhook-ca-{{ $at }}, path: /etc/stint/webhook-ca/{{ $at }}, configMap: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: roots}]}
{{- end }}
{{- end }}
{{- range $at, $channel := $values.config.notices.slack }}
{{- with $channel.tokenSecret }}
- {name: slack-{{ $at }}, path: /etc/stint/slack/{{ $at }}, secret: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: token}]}
{{- end }}
{{- with $channel.caConfigMap }}
- {name: slack-ca-{{ $at }}, path: /etc/stint/slack-ca/{{ $at }}, configMap: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: roots}]}
{{- end }}
{{- end }}
{{- range $at, $role := $values.config.roles }}
{{- with $role.externalIdSecret }}
- {name: external-id-{{ $at }}, path: /etc/stint/external-ids/{{ $at }}, secret: {{ .name | quote }}{{ with .key }}, items: [{key: {{ . | quote }}, path: id}]{{ end }}}
{{- end }}
{{- range $own := list "revoker" "canary" }}
{{- with get $role.revocation $own }}
{{- with .externalIdSecret }}
- {name: {{ $own }}-id-{{ $at }}, path: /etc/stint/{{ $own }}-ids/{{ $at }}, secret: {{ .name | quote }}{{ with .key }}, items: [{key: {{ . | quote }}, path: id}]{{ end }}}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- include "stint.databaseFiles" $values.config.ledger.postgres }}
{{- range $who := list "broker" "revoker" }}
{{- with get $values.awsKeys $who }}
{{- if .existingSecret }}
- name: aws-{{ $who }}
  path: /etc/stint/aws/{{ $who }}
  secret: {{ .existingSecret | quote }}
  items: [{key: {{ .accessKeyIdKey | quote }}, path: id}, {key: {{ .secretAccessKeyKey | quote }}, path: secret}{{ with .sessionTokenKey }}, {key: {{ . | quote }}, path: token}{{ end }}]
{{- end }}
{{- end }}
{{- end }}
{{- include "stint.pairFiles" (dict "name" "admin" "pair" $values.admin.tls) }}
{{- if $values.bundleEndpoint.enabled }}
{{- include "stint.pairFiles" (dict "name" "bundle-endpoint" "pair" $values.bundleEndpoint.tls) }}
{{- end }}
{{- end -}}

{{/* The rows of a database's password and authorities. */}}
{{- define "stint.databaseFiles" -}}
{{- with .passwordSecret }}
- {name: database, path: /etc/stint/database, secret: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: password}]}
{{- end }}
{{- with .caConfigMap }}
- {name: database-ca, path: /etc/stint/database-ca, configMap: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: roots}]}
{{- end }}
{{- end -}}

{{/* The row of a certificate and its key, if a Secret has them. */}}
{{- define "stint.pairFiles" -}}
{{- if .pair.existingSecret }}
- name: {{ .name }}
  path: /etc/stint/{{ .name }}
  secret: {{ .pair.existingSecret | quote }}
  items: [{key: {{ .pair.certificateKey | quote }}, path: tls.crt}, {key: {{ .pair.privateKeyKey | quote }}, path: tls.key}]
{{- end }}
{{- end -}}

{{- define "stint.volumeMounts" -}}
{{- include "stint.fileMounts" (include "stint.files" . | fromYamlArray) }}
{{- if .Values.workloadApi.enabled }}
- name: workload-api
  mountPath: /spiffe-workload-api
  readOnly: true
{{- end }}
{{- if not (include "stint.usesDatabase" .) }}
- name: ledger
  mountPath: /var/lib/stint
{{- end }}
- name: tmp
  mountPath: /tmp
{{- end -}}

{{/* Takes rows as of stint.files. */}}
{{- define "stint.fileMounts" -}}
{{- range . }}
- name: {{ .name }}
  mountPath: {{ .path }}
  readOnly: true
{{- end }}
{{- end -}}

{{- define "stint.volumes" -}}
{{- include "stint.fileVolumes" (include "stint.files" . | fromYamlArray) }}
{{- if .Values.workloadApi.enabled }}
- name: workload-api
  csi:
    driver: {{ .Values.workloadApi.driver | quote }}
    readOnly: true
{{- end }}
{{- if and .Values.persistence.existingClaim (not (include "stint.usesDatabase" .)) }}
- name: ledger
  persistentVolumeClaim:
    claimName: {{ .Values.persistence.existingClaim | quote }}
{{- end }}
# For SQLite, when a sort does not fit into memory.
- name: tmp
  emptyDir:
    sizeLimit: 256Mi
{{- end -}}

{{/* Takes rows as of stint.files. */}}
{{- define "stint.fileVolumes" -}}
{{- range . }}
- name: {{ .name }}
  {{- if .secret }}
  secret:
    secretName: {{ .secret | quote }}
    # Readable for the pod's group, which is the broker's alone.
    defaultMode: 0440
  {{- else if .serviceAccountToken }}
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          {{- toYaml .serviceAccountToken | nindent 10 }}
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
{{- end -}}
