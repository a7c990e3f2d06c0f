{{/*
`identity` of stint.yaml: `config.identity` of the values, with the sources of certificates and bundles, whose paths are
the chart's.
*/}}
{{- define "stint.identity" -}}
{{- $values := .Values -}}
{{- $identity := deepCopy $values.config.identity -}}
{{- range list "tokens" "oidc" "bundleEndpoint" -}}
{{- if not (get $identity .) }}{{ $_ := unset $identity . }}{{ end -}}
{{- end -}}

{{- if $values.serverIdentity.workloadApi -}}
{{- $_ := set $identity "server" "workload-api" -}}
{{- else -}}
{{- $_ := set $identity "server" (include "stint.pair" "server" | fromYaml) -}}
{{- end -}}
{{- if $values.workloadApi.enabled -}}
{{- $_ := set $identity.workloadApi "socket" (printf "unix:///spiffe-workload-api/%s" $values.workloadApi.socket) -}}
{{- range list "spiffeId" "hint" -}}
{{- if not (index $identity.workloadApi .) }}{{ $_ := unset $identity.workloadApi . }}{{ end -}}
{{- end -}}
{{- else -}}
{{- $_ := unset $identity "workloadApi" -}}
{{- end -}}

{{- range $trustDomain, $source := $identity.domains -}}
{{- with $source.federation -}}
{{- $roots := printf "/etc/stint/federation/%s/roots" $trustDomain -}}
{{- if .caConfigMap }}{{ $_ := set . "caFile" $roots }}{{ end -}}
{{- if .bundleConfigMap }}{{ $_ := set . "bundleFile" $roots }}{{ end -}}
{{- $_ := set $source "federation" (omit . "caConfigMap" "bundleConfigMap") -}}
{{- end -}}
{{- end -}}
{{- range $values.trustBundles -}}
{{- $_ := set $identity.domains .trustDomain (dict "file" (printf "/etc/stint/bundles/%s/bundle" .trustDomain) "format" (.format | default "spiffe")) -}}
{{- if .audience }}{{ $_ := set (get $identity.domains .trustDomain) "audience" .audience }}{{ end -}}
{{- end -}}

{{- $issuers := list -}}
{{- range $at, $issuer := $identity.oidc -}}
{{- if $issuer.caConfigMap }}{{ $_ := set $issuer "caFile" (printf "/etc/stint/issuers/%d/roots" $at) }}{{ end -}}
{{- if $issuer.keysConfigMap }}{{ $_ := set $issuer "keysFile" (printf "/etc/stint/issuer-keys/%d/keys" $at) }}{{ end -}}
{{- if or $issuer.tokenSecret (hasKey $issuer "serviceAccountToken") }}{{ $_ := set $issuer "tokenFile" (printf "/etc/stint/issuer-tokens/%d/token" $at) }}{{ end -}}
{{- $issuers = append $issuers (omit $issuer "caConfigMap" "keysConfigMap" "tokenSecret" "serviceAccountToken") -}}
{{- end -}}
{{- if $issuers }}{{ $_ := set $identity "oidc" $issuers }}{{ end -}}

{{- if $values.bundleEndpoint.enabled -}}
{{- $_ := set $identity.bundleEndpoint "listen" (printf "%s:8447" $values.listenHost) -}}
{{- if $values.bundleEndpoint.tls.existingSecret }}{{ $_ := set $identity.bundleEndpoint "certificate" (include "stint.pair" "bundle-endpoint" | fromYaml) }}{{ end -}}
{{- end -}}
{{- toYaml $identity -}}
{{- end -}}

{{- define "stint.pair" -}}
certificateFile: /etc/stint/{{ . }}/tls.crt
privateKeyFile: /etc/stint/{{ . }}/tls.key
{{- end -}}

{{/* What the broker calls to know who is asking, a list of {setting, url}; the hosts of keys are written as URLs too. */}}
{{- define "stint.identityUrls" -}}
{{- $urls := list -}}
{{- range $trustDomain, $source := .Values.config.identity.domains -}}
{{- with $source.federation -}}
{{- $urls = append $urls (dict "setting" (printf "config.identity.domains.%s.federation.url" $trustDomain) "url" .url) -}}
{{- end -}}
{{- end -}}
{{- range $at, $issuer := .Values.config.identity.oidc -}}
{{- $entry := printf "config.identity.oidc[%d]" $at -}}
{{- if not (or $issuer.discoveryUrl $issuer.jwksUrl $issuer.keysConfigMap) -}}
{{- $urls = append $urls (dict "setting" (printf "%s.issuer" $entry) "url" $issuer.issuer) -}}
{{- end -}}
{{- range $setting := list "discoveryUrl" "jwksUrl" "tokenReviewUrl" "jwksHost" -}}
{{- $named := get $issuer $setting | default list -}}
{{- range (kindIs "slice" $named | ternary $named (list $named)) -}}
{{- $urls = append $urls (dict "setting" (printf "%s.%s" $entry $setting) "url" (eq $setting "jwksHost" | ternary (printf "https://%v" .) .)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $urls -}}
{{- end -}}
