"""The step `prove`: train on the selection and on what it is compared with."""
