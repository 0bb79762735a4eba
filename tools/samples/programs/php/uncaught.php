<?php
function load(int $id): void
{
    throw new RuntimeException("no order $id");
}

function answer(int $id): void
{
    try {
        load($id);
    } catch (RuntimeException $error) {
        throw new LogicException('cannot answer', 3, $error);
    }
}

error_log('start');
try {
    answer(1);
} catch (LogicException $error) {
    error_log((string) $error);
}
error_log('between');
answer(2);
