select {part: 100 * sum(case when p_type like 'PROMO%' then l_extendedprice * (1 - l_discount)::decimal(5,2) else 0 end),
        whole: sum(l_extendedprice * (1 - l_discount)::decimal(5,2))}
from lineitem, part
where l_partkey = p_partkey and l_shipdate >= date '1995-09-01' and l_shipdate < date '1995-09-01' + interval 1 month
having count(*) > 0
